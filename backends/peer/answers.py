"""What does a peer's problem ask us to do? Status and code to one of the errors of backends/errors.py."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob
from backends.exchange import patience

if TYPE_CHECKING:
    from backends.exchange import Reply

_OFF_PATIENCE_S = 60.0
# A hub's own sentence about a job (broker/reads/jobs.py). Of a route that it does not have it says something else:
# an address with a wrong prefix must not make every job there look lost.
_NO_JOB = "there is no job "
_LONGEST_SENTENCE = 500

# The rules of broker/domain/limits.py by which a peer's device is refused, in the words of backends/errors.py.
_CODE_OF_RULE = {
    "access": "access_refused",
    "unknown": "device_retired",
    "format": "program_invalid",
    "dynamic": "program_invalid",
    "drive": "program_invalid",
    "width": "limit_exceeded",
    "photons": "limit_exceeded",
    "operations": "limit_exceeded",
    "duration": "limit_exceeded",
    "memory": "limit_exceeded",
    "shots": "limit_exceeded",
    "points": "limit_exceeded",
}


def creation_error(reply: Reply, device: str) -> BackendError:
    """What a create on ``device`` that brought no job means. Certain only of a problem in a hub's own form.

    Everything else may come from a proxy in front of a hub that has long accepted the job.
    """
    problem = problem_of(reply)
    if problem is None or (reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _is_closed(reply)):
        return OutcomeUnknown(f"the peer answered {describe(reply)}")
    if problem["code"] == "idempotency_in_flight":
        return OutcomeUnknown("the peer is admitting the same token right now")
    return _later(reply) or _unauthorized(reply, problem) or _refused(reply, problem, device)


def reading_error(reply: Reply) -> BackendError:
    """What a failed look, or a failed cancel, means; it may be tried again."""
    problem = problem_of(reply)
    if problem is None:
        return Busy(f"the peer answered {describe(reply)}", retry_after=patience(reply.retry_after))
    if reply.status == HTTPStatus.NOT_FOUND:
        if str(problem.get("detail")).startswith(_NO_JOB):
            return UnknownJob(f"the peer answered {describe(reply)}")
        return Busy(f"the peer answered {describe(reply)}", retry_after=patience(reply.retry_after))
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or problem["code"] == "not_ready":
        return Busy(f"the peer answered {describe(reply)}", retry_after=patience(reply.retry_after))
    return _later(reply) or _unauthorized(reply, problem) or Refused(f"the peer answered {describe(reply)}")


def problem_of(reply: Reply) -> dict[str, Any] | None:
    """The body where it is a hub's own problem (RFC 9457, ``urn:qsubmit:error:``) and no proxy's page."""
    found = reply.document
    if found is None or not isinstance(found.get("code"), str):
        return None
    return found if str(found.get("type")).startswith("urn:qsubmit:error:") else None


def describe(reply: Reply) -> str:
    """Status and sentence, shortened, for people."""
    said = (reply.document or {}).get("detail")
    return f"{reply.status} {said if isinstance(said, str) else ''}"[:_LONGEST_SENTENCE].rstrip()


def _is_closed(reply: Reply) -> bool:
    return reply.status == HTTPStatus.SERVICE_UNAVAILABLE


def _later(reply: Reply) -> Busy | None:
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or _is_closed(reply):
        return Busy(f"the peer answered {describe(reply)}", retry_after=patience(reply.retry_after))
    return None


def _unauthorized(reply: Reply, problem: dict[str, Any]) -> Unauthorized | None:
    if reply.status == HTTPStatus.UNAUTHORIZED or problem["code"] == "forbidden":
        return Unauthorized(f"the peer refuses our key: {describe(reply)}")
    return None


def _refused(reply: Reply, problem: dict[str, Any], device: str) -> BackendError:
    said = f"the peer: {problem.get('detail')}"[:_LONGEST_SENTENCE]
    if reply.status == HTTPStatus.PAYMENT_REQUIRED:
        return Refused(said, code="no_credit")
    if reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Refused(said, code="limit_exceeded")
    rule, reason = _rule(problem, device)
    if rule == "paused" or (rule == "status" and "retired" not in reason):
        return Busy(said, retry_after=patience(reply.retry_after, otherwise=_OFF_PATIENCE_S))
    if rule == "status":
        return Refused(said, code="device_retired")
    if problem["code"].startswith("program_"):
        place = {part: problem.get(part) for part in ("line", "column", "pointer")}
        return Refused(said, code="program_invalid", **place)
    return Refused(said, code=_CODE_OF_RULE.get(rule, "backend_refused"), pointer=problem.get("pointer"))


def _rule(problem: dict[str, Any], device: str) -> tuple[str, str]:
    """The rule by which the peer's router refused the device that we named, and its reason."""
    told = problem.get("refusals")
    for refusal in told if isinstance(told, list) else ():
        if isinstance(refusal, dict) and refusal.get("device") == device:
            return str(refusal.get("rule")), str(refusal.get("reason"))
    return "", ""
