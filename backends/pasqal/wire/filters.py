"""Which batches or jobs does a listing ask for? The vendor's query string as a Query."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backends.pasqal.wire.executor import MAX_PAGE, Denied, Query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def query_of(pairs: Sequence[tuple[str, str]]) -> Query:
    """Filters from a query string.

    Raises:
        Denied: one of them cannot be read.
    """
    many: dict[str, list[str]] = {}
    for name, value in pairs:
        many.setdefault(name.removesuffix("[]"), []).append(value)
    last = {name: values[-1] for name, values in many.items()}
    fields: dict[str, Any] = {field: tuple(many[name]) for name, field in _LISTS.items() if name in many}
    try:
        for name, (field, read) in _SCALARS.items():
            if name in last:
                fields[field] = read(last[name])
    except ValueError as error:
        raise Denied(422, f"unreadable filter: {error}") from None
    return Query(**fields)


def _time(text: str) -> float:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("a negative number")
    return number


def _limit(text: str) -> int:
    number = _whole(text)
    if not 0 < number <= MAX_PAGE:
        raise ValueError(f"limit must be 1 to {MAX_PAGE}")
    return number


def _truth(text: str) -> bool:
    return text.lower() in ("true", "1")


_LISTS = {
    "id": "ids",
    "batch_id": "batches",
    "project_id": "projects",
    "user_id": "users",
    "device_type": "device_types",
    "status": "statuses",
    "queue_priority": "priorities",
}
_SCALARS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "tag": ("tag", str),
    "open": ("open", _truth),
    "errors": ("errors", _truth),
    "min_runs": ("min_runs", _whole),
    "max_runs": ("max_runs", _whole),
    "start_date": ("start", _time),
    "end_date": ("end", _time),
    "order_by_direction": ("ascending", lambda text: text.upper() == "ASC"),
    "offset": ("offset", _whole),
    "limit": ("limit", _limit),
}
