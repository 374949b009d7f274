"""What does an answer of Pasqal ask us to do? Status and JSend body to one of the errors of backends/errors.py."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import time
from typing import Any

from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob

_NO_CREDIT = re.compile(r"(insufficient|not enough|no remaining) .*(credit|balance|fund)", re.IGNORECASE)
_RETIRED = re.compile(r"device .*(not found|retired|decommissioned|unknown)", re.IGNORECASE)
_OFF = re.compile(r"device .*(not available|unavailable|offline|in maintenance)", re.IGNORECASE)
_LIMIT = re.compile(r"exceed|at most|maximum|too (many|long|large)", re.IGNORECASE)
_PATIENCE_S = 10.0
_OFF_PATIENCE_S = 60.0
_LONGEST_PATIENCE_S = 3600.0
_LONGEST_SENTENCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer as it came; ``document`` is its JSON object, or None where it is not one."""

    status: int
    document: dict[str, Any] | None
    retry_after: str | None = None


def creation_error(answer: Answer) -> BackendError:
    """What a create that was not accepted means. Certain only of a refusal in the vendor's own form.

    A 5xx may come from a proxy in front of a server that has long accepted the batch.
    """
    return _refused_credentials(answer) or _refusal(answer) or _doubt(answer)


def reading_error(answer: Answer) -> BackendError:
    """What a failed look, or a failed cancel, means; it may be tried again."""
    refused = _refused_credentials(answer)
    if refused:
        return refused
    if answer.status == HTTPStatus.NOT_FOUND and is_jsend(answer.document):
        return UnknownJob(f"pasqal answered {describe(answer)}")
    return _refusal(answer) or Busy(f"pasqal answered {describe(answer)}", retry_after=_PATIENCE_S)


def login_error(answer: Answer) -> BackendError:
    """What a refused login means; nothing else was sent."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Busy(f"pasqal's login answered {answer.status}", retry_after=patience(answer.retry_after))
    said = (answer.document or {}).get("error_description") or (answer.document or {}).get("error") or ""
    return Unauthorized(f"pasqal refuses our login: {answer.status} {said}"[:_LONGEST_SENTENCE].rstrip())


def is_jsend(document: dict[str, Any] | None) -> bool:
    """Whether a body is the vendor's own error form and no proxy's."""
    return document is not None and document.get("status") in ("fail", "error") and "code" in document


def describe(answer: Answer) -> str:
    """Status and message, shortened, for people."""
    return f"{answer.status} {_sentence(answer)}".rstrip()


def patience(header: str | None) -> float:
    """Seconds from ``Retry-After``: a number or a date (RFC 9110 §10.2.3)."""
    if header is None:
        return _PATIENCE_S
    try:
        seconds = float(header)
    except ValueError:
        seconds = _until(header)
    return min(max(seconds, 0.0), _LONGEST_PATIENCE_S) if math.isfinite(seconds) else _PATIENCE_S


def _until(header: str) -> float:
    try:
        return parsedate_to_datetime(header).timestamp() - time()
    except ValueError:
        return _PATIENCE_S


def _refused_credentials(answer: Answer) -> BackendError | None:
    if _NO_CREDIT.search(_sentence(answer)):
        return None
    forbidden = answer.status == HTTPStatus.FORBIDDEN and is_jsend(answer.document)
    if answer.status == HTTPStatus.UNAUTHORIZED or forbidden:
        return Unauthorized(f"pasqal refuses our credentials: {describe(answer)}")
    return None


def _refusal(answer: Answer) -> BackendError | None:
    """Only a 4xx whose body is the vendor's own."""
    client_error = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not client_error or not is_jsend(answer.document) or answer.status == HTTPStatus.REQUEST_TIMEOUT:
        return None
    if answer.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.TOO_EARLY):
        return Busy("pasqal throttles", retry_after=patience(answer.retry_after))
    if _OFF.search(_sentence(answer)):
        return Busy(f"pasqal: {describe(answer)}", retry_after=_OFF_PATIENCE_S)
    return Refused(f"pasqal: {describe(answer)}", code=_code(answer), pointer=_pointer(answer))


def _doubt(answer: Answer) -> BackendError:
    return OutcomeUnknown(f"create answered {describe(answer)}")


def _code(answer: Answer) -> str:
    said = _sentence(answer)
    if answer.status == HTTPStatus.PAYMENT_REQUIRED or _NO_CREDIT.search(said):
        return "no_credit"
    if _RETIRED.search(said):
        return "device_retired"
    if _LIMIT.search(said):
        return "limit_exceeded"
    invalid = answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
    return "program_invalid" if invalid else "backend_refused"


def _sentence(answer: Answer) -> str:
    document = answer.document or {}
    said = _description(document) or document.get("message") or ""
    if isinstance(said, list):
        said = "; ".join(str(one.get("msg", one) if isinstance(one, dict) else one) for one in said)
    return said[:_LONGEST_SENTENCE] if isinstance(said, str) else ""


def _description(document: dict[str, Any]) -> Any:  # noqa: ANN401  the vendor's own JSON
    inner = document.get("data")
    return inner.get("description") if isinstance(inner, dict) else None


def _pointer(answer: Answer) -> str | None:
    """Where in the body, as a JSON pointer, if the vendor says it (``loc``)."""
    said = _description(answer.document or {})
    first = said[0] if isinstance(said, list) and said else None
    place = first.get("loc") if isinstance(first, dict) else None
    return "".join(f"/{part}" for part in place) if isinstance(place, list) else None
