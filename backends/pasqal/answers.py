"""What does an answer of Pasqal ask us to do? Status and JSend body to one of the errors of backends/errors.py."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob
from backends.exchange import patience

if TYPE_CHECKING:
    from backends.exchange import Reply

_NO_CREDIT = re.compile(r"(insufficient|not enough|no remaining) .*(credit|balance|fund)", re.IGNORECASE)
_RETIRED = re.compile(r"device .*(not found|retired|decommissioned|unknown)", re.IGNORECASE)
_OFF = re.compile(r"device .*(not available|unavailable|offline|in maintenance)", re.IGNORECASE)
_LIMIT = re.compile(r"exceed|at most|maximum|too (many|long|large)", re.IGNORECASE)
_OFF_PATIENCE_S = 60.0
_LONGEST_SENTENCE = 500


def creation_error(reply: Reply) -> BackendError:
    """What a create that was not accepted means. Certain only of a refusal in the vendor's own form.

    A 5xx may come from a proxy in front of a server that has long accepted the batch.
    """
    return _refused_credentials(reply) or _refusal(reply) or _doubt(reply)


def reading_error(reply: Reply) -> BackendError:
    """What a failed look, or a failed cancel, means; it may be tried again."""
    refused = _refused_credentials(reply)
    if refused:
        return refused
    if reply.status == HTTPStatus.NOT_FOUND and is_jsend(reply.document):
        return UnknownJob(f"pasqal answered {describe(reply)}")
    return _refusal(reply) or Busy(f"pasqal answered {describe(reply)}", retry_after=patience(reply.retry_after))


def login_error(reply: Reply) -> BackendError:
    """What a refused login means; nothing else was sent."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Busy(f"pasqal's login answered {reply.status}", retry_after=patience(reply.retry_after))
    said = (reply.document or {}).get("error_description") or (reply.document or {}).get("error") or ""
    return Unauthorized(f"pasqal refuses our login: {reply.status} {said}"[:_LONGEST_SENTENCE].rstrip())


def is_jsend(document: dict[str, Any] | None) -> bool:
    """Whether a body is the vendor's own error form and no proxy's."""
    return document is not None and document.get("status") in ("fail", "error") and "code" in document


def describe(reply: Reply) -> str:
    """Status and message, shortened, for people."""
    return f"{reply.status} {_sentence(reply)}".rstrip()


def _refused_credentials(reply: Reply) -> BackendError | None:
    if _NO_CREDIT.search(_sentence(reply)):
        return None
    forbidden = reply.status == HTTPStatus.FORBIDDEN and is_jsend(reply.document)
    if reply.status == HTTPStatus.UNAUTHORIZED or forbidden:
        return Unauthorized(f"pasqal refuses our credentials: {describe(reply)}")
    return None


def _refusal(reply: Reply) -> BackendError | None:
    """Only a 4xx whose body is the vendor's own."""
    client_error = HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not client_error or not is_jsend(reply.document) or reply.status == HTTPStatus.REQUEST_TIMEOUT:
        return None
    if reply.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.TOO_EARLY):
        return Busy("pasqal throttles", retry_after=patience(reply.retry_after))
    if _OFF.search(_sentence(reply)):
        return Busy(f"pasqal: {describe(reply)}", retry_after=patience(reply.retry_after, otherwise=_OFF_PATIENCE_S))
    return Refused(f"pasqal: {describe(reply)}", code=_code(reply), pointer=_pointer(reply))


def _doubt(reply: Reply) -> BackendError:
    return OutcomeUnknown(f"create answered {describe(reply)}")


def _code(reply: Reply) -> str:
    said = _sentence(reply)
    if reply.status == HTTPStatus.PAYMENT_REQUIRED or _NO_CREDIT.search(said):
        return "no_credit"
    if _RETIRED.search(said):
        return "device_retired"
    if _LIMIT.search(said):
        return "limit_exceeded"
    invalid = reply.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
    return "program_invalid" if invalid else "backend_refused"


def _sentence(reply: Reply) -> str:
    document = reply.document or {}
    said = _description(document) or document.get("message") or ""
    if isinstance(said, list):
        said = "; ".join(str(one.get("msg", one) if isinstance(one, dict) else one) for one in said)
    return said[:_LONGEST_SENTENCE] if isinstance(said, str) else ""


def _description(document: dict[str, Any]) -> Any:  # noqa: ANN401  the vendor's own JSON
    inner = document.get("data")
    return inner.get("description") if isinstance(inner, dict) else None


def _pointer(reply: Reply) -> str | None:
    """Where in the body, as a JSON pointer, if the vendor says it (``loc``)."""
    said = _description(reply.document or {})
    first = said[0] if isinstance(said, list) and said else None
    place = first.get("loc") if isinstance(first, dict) else None
    return "".join(f"/{part}" for part in place) if isinstance(place, list) else None
