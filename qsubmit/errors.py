"""What can go wrong, as types? One class per stable problem code of the server, and a few of the client's own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class QsubmitError(Exception):
    """Base of all. ``code`` is stable; ``detail`` one clear sentence; ``problem`` the server's own words, if any.

    ``status`` is the HTTP status (None if no answer came). ``line``, ``column`` (1-based) and ``pointer`` locate an
    error in the program or the request; ``source`` is the program's text, where the one who raises it has it.
    ``refusals``, ``budget`` and ``retry_after`` (seconds) are there where they apply.
    """

    code = "internal"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        problem = problem or {}
        self.detail = detail
        self.code = code or type(self).code
        self.status = status
        self.hint: str | None = hint or problem.get("hint")
        self.line: int | None = problem.get("line")
        self.column: int | None = problem.get("column")
        self.pointer: str | None = problem.get("pointer")
        self.budget: str | None = problem.get("budget")
        self.retry_after: float | None = problem.get("retry_after")
        self.refusals: list[dict[str, Any]] = problem.get("refusals") or []
        self.source: str | None = None


class Usage(QsubmitError):
    """The caller's own words are wrong; nothing was sent."""

    code = "usage"


class Unreachable(QsubmitError):
    """No answer: refused, reset, timed out, unknown host or bad certificate."""

    code = "unreachable"


class ServerTrouble(QsubmitError):
    """The server answered with a 5xx, or with something that is no answer of ours."""

    code = "internal"


class Unauthenticated(QsubmitError):
    """No key, or one that is unknown, expired or revoked."""

    code = "unauthenticated"


class Forbidden(QsubmitError):
    """The key is good, but its scopes or the hub's rules do not allow this."""

    code = "forbidden"


class NotFound(QsubmitError):
    """No such thing in the caller's organisation."""

    code = "not_found"


class RequestInvalid(QsubmitError):
    """A field of the request is wrong; ``pointer`` names it."""

    code = "request_invalid"


class ProgramInvalid(QsubmitError):
    """The program cannot be admitted; its ``code`` is one of the ``program_*`` codes."""

    code = "program_invalid"


class Removed(QsubmitError):
    """It was there once; a rule of the hub has removed it, and ``detail`` says which and when."""

    code = "removed"


class NoDevice(QsubmitError):
    """Every device was refused; see ``refusals``."""

    code = "no_device"


class AccessRefused(NoDevice):
    """The named device is outside the hub's access agreements."""

    code = "access_refused"


class BudgetExceeded(QsubmitError):
    """A hold would pass the limit of ``budget``."""

    code = "budget_exceeded"


class Conflict(QsubmitError):
    """The request disagrees with what is already there."""

    code = "conflict"


class IdempotencyMismatch(Conflict):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_mismatch"


class IdempotencyInFlight(Conflict):
    """The same Idempotency-Key is being admitted right now."""

    code = "idempotency_in_flight"


class NotCancellable(Conflict):
    """The job has already ended."""

    code = "not_cancellable"


class NotReady(Conflict):
    """The result is not there yet."""

    code = "not_ready"


class RateLimited(QsubmitError):
    """Try again after ``retry_after`` seconds."""

    code = "rate_limited"


class TimedOut(QsubmitError):
    """The caller's own patience ended; the job goes on."""

    code = "timed_out"


class JobFailed(QsubmitError):
    """The job ended as ``failed``; ``code`` and ``detail`` say why."""

    code = "job_failed"


class JobCancelled(QsubmitError):
    """The job ended as ``cancelled``."""

    code = "job_cancelled"


class JobExpired(QsubmitError):
    """The job's deadline passed before it could be sent."""

    code = "job_expired"


OF_CODE: dict[str, type[QsubmitError]] = {
    kind.code: kind
    for kind in (
        Unauthenticated,
        Forbidden,
        NotFound,
        RequestInvalid,
        NoDevice,
        AccessRefused,
        BudgetExceeded,
        IdempotencyMismatch,
        IdempotencyInFlight,
        NotCancellable,
        NotReady,
        RateLimited,
        ServerTrouble,
    )
}

OF_STATUS: dict[int, type[QsubmitError]] = {
    401: Unauthenticated,
    402: BudgetExceeded,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    429: RateLimited,
}

SERVER_SIDE = 500


def of_problem(status: int, problem: Mapping[str, Any]) -> QsubmitError:
    """The typed error of a problem+json body. Unknown codes keep their word and take the status's class."""
    code = str(problem.get("code") or "")
    detail = str(problem.get("detail") or problem.get("title") or f"the server answered {status}")
    return kind_of(status, code)(detail, code=code or None, status=status, problem=problem)


def kind_of(status: int, code: str) -> type[QsubmitError]:
    """The class of an answer: by code where we know it, else by status. A 5xx is always the server's trouble."""
    if status >= SERVER_SIDE:
        return ServerTrouble
    if code in OF_CODE:
        return OF_CODE[code]
    if code.startswith("program_"):
        return ProgramInvalid
    return OF_STATUS.get(status, RequestInvalid)


def of_job(job: Mapping[str, Any]) -> QsubmitError | None:
    """How a finished job ended, as an error; None if it succeeded or still lives."""
    state = job["state"]
    if state == "failed":
        why = job.get("error") or {}
        return JobFailed(f"job {job['id']} failed: {why.get('message') or 'no reason given'}", code=why.get("code"))
    if state == "cancelled":
        return JobCancelled(f"job {job['id']} was cancelled")
    if state == "expired":
        return JobExpired(f"job {job['id']} expired: its deadline passed before it could be sent")
    return None
