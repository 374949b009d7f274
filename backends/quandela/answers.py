"""What does an answer of Quandela ask us to do? Status and message to one of the errors of backends/errors.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized
from backends.exchange import patience

if TYPE_CHECKING:
    from backends.exchange import Reply

# The vendor says "later" for a full queue of ours with status 400, and for money with 401.
_QUEUE_FULL = re.compile(r"cannot (create|have) more than", re.IGNORECASE)
_NO_CREDIT = re.compile(r"not enough .*(credits?|time left)", re.IGNORECASE)
_RETIRED = re.compile(r"in (decommissioned|retired)\S* status", re.IGNORECASE)
_DISABLED = re.compile(r"create job disabled", re.IGNORECASE)
_LIMIT = re.compile(r"max[_ ](shots|duration).*(less|exceed)|too large", re.IGNORECASE)
_QUEUE_PATIENCE_S = 30.0
_GONE = re.compile(r"invalid job.?id\b.*|not found|not found job\b.*|job\b.* not found", re.IGNORECASE | re.DOTALL)
_OVER = re.compile(r"can ?not cancel", re.IGNORECASE)


def creation_error(reply: Reply) -> BackendError:
    """What a create that brought no job id means. Certain only of a 4xx in the vendor's own form."""
    return _plain(reply) or _refusal(reply) or OutcomeUnknown(f"create answered {describe(reply)}")


def reading_error(reply: Reply) -> BackendError:
    """What a failed look means; a look may be taken again."""
    refused = _plain(reply)
    if refused:
        return refused
    # A proxy's 404 or 403 may be JSON as well: only the vendor's own form is an answer of the vendor.
    if reply.status in (400, 403, 422) and is_own(reply):
        return Refused(f"quandela answered {describe(reply)}")
    return Busy(f"quandela answered {describe(reply)}", retry_after=patience(reply.retry_after))


def is_own(reply: Reply) -> bool:
    """Whether a body has the form of the vendor's errors, ``{"detail": {}, "error": "…"}``, whole."""
    document = reply.document or {}
    return isinstance(document.get("detail"), dict) and bool(message_of(reply))


def is_gone(reply: Reply) -> bool:
    """The vendor's own sentence that there is no such job; no 404 alone is one."""
    return reply.status in (400, 404) and is_own(reply) and bool(_GONE.fullmatch(message_of(reply)))


def is_over(reply: Reply) -> bool:
    """Whether there is nothing left to cancel."""
    return is_gone(reply) or (reply.status == 400 and bool(_OVER.search(message_of(reply))))  # noqa: PLR2004


def describe(reply: Reply) -> str:
    """Status and message, shortened, for people."""
    return f"{reply.status} {message_of(reply)[:300]}".rstrip()


def message_of(reply: Reply) -> str:
    """The vendor's sentence, or nothing."""
    document = reply.document or {}
    said = document.get("error") or document.get("message") or ""
    return said if isinstance(said, str) else ""


def _plain(reply: Reply) -> BackendError | None:
    said = message_of(reply)
    if reply.status == 401:  # noqa: PLR2004
        if _NO_CREDIT.search(said):
            return Refused(f"quandela: {said}", code="no_credit")
        return Unauthorized(f"quandela refuses our token: {describe(reply)}")
    if reply.status == 429:  # noqa: PLR2004
        return Busy("quandela throttles", retry_after=patience(reply.retry_after))
    return None


def _refusal(reply: Reply) -> BackendError | None:
    """Only 4xx whose body is the vendor's own: a proxy's page may hide an accepted create."""
    if not 400 <= reply.status < 500 or reply.status == 408 or reply.document is None:  # noqa: PLR2004
        return None
    said = message_of(reply)
    later = patience(reply.retry_after, otherwise=_QUEUE_PATIENCE_S)
    if _QUEUE_FULL.search(said):
        return Busy(f"quandela: {said}", retry_after=later)
    if _RETIRED.search(said) or reply.status == 404:  # noqa: PLR2004
        return Refused(f"quandela: {said}", code="device_retired")
    if _DISABLED.search(said):
        return Busy(f"quandela: {said}", retry_after=later)
    return Refused(f"quandela: {describe(reply)}", code=_code(reply, said))


def _code(reply: Reply, said: str) -> str:
    if _LIMIT.search(said):
        return "limit_exceeded"
    return "program_invalid" if reply.status == 422 else "backend_refused"  # noqa: PLR2004
