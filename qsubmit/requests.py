"""What is the body of a submission or a quote? Only the fields that were given; the server owns the defaults."""

from __future__ import annotations

from qsubmit import programs, quantities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from qsubmit.shapes import RequestFields


def fresh_key() -> str:
    """A new Idempotency-Key."""
    import uuid

    return str(uuid.uuid4())


def request_fields(  # noqa: PLR0913  the fields of the API
    source: str,
    *,
    format: str,  # noqa: A002  the word of the API
    shots: int,
    points: Sequence[Mapping[str, float]] = (),
    device: str | None = None,
    prefer: str | None = None,
    kind: str | None = None,
    max_cost: str | Mapping[str, str] | None = None,
    deadline: str | datetime | None = None,
    min_success: float | None = None,
    name: str = "",
    tags: Sequence[str] = (),
    seed: int | None = None,
    options: Mapping[str, str] | None = None,
) -> RequestFields:
    """The JSON body; ``max_cost`` may be ``5000KRW``, ``deadline`` a datetime, ISO text or ``+2h``."""
    fields: dict[str, Any] = {
        "program": {"format": format, "source": programs.wire_form(format, source)},
        "shots": shots,
        "points": [dict(point) for point in points] or None,
        "device": device,
        "prefer": prefer,
        "kind": kind,
        "max_cost": _money(max_cost),
        "deadline": _moment(deadline),
        "min_success": min_success,
        "name": name or None,
        "tags": list(tags) or None,
        "seed": seed,
        "options": dict(options) if options else None,
    }
    return {key: value for key, value in fields.items() if value is not None}  # type: ignore[return-value]  # checked


def _money(given: str | Mapping[str, str] | None) -> dict[str, str] | None:
    if given is None:
        return None
    return quantities.money(given) if isinstance(given, str) else dict(given)


def _moment(given: str | datetime | None) -> str | None:
    if given is None:
        return None
    return quantities.moment(given if isinstance(given, str) else given.astimezone().isoformat())
