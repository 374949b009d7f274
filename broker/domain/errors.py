"""What can go wrong, in words a user can act on? Every error has a stable ``code``; edges map it to a status."""

from __future__ import annotations


class QsubmitError(Exception):
    """Base of every error that may reach a user. ``detail`` is one clear sentence."""

    code = "internal"

    def __init__(self, detail: str, *, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class ProgramInvalid(QsubmitError):
    """The program cannot be admitted. Located by line and column (1-based, text) or JSON pointer (RFC 6901).

    ``code`` is one of the ``program_*`` codes of docs/errors.md.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        line: int | None = None,
        column: int | None = None,
        pointer: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(detail, hint=hint)
        self.code = code
        self.line = line
        self.column = column
        self.pointer = pointer


class RequestInvalid(QsubmitError):
    """A field of the request is wrong; ``pointer`` names it."""

    code = "request_invalid"

    def __init__(self, detail: str, *, pointer: str | None = None, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.pointer = pointer


class Unauthenticated(QsubmitError):
    """No key, or one that is unknown, expired or revoked."""

    code = "unauthenticated"


class Forbidden(QsubmitError):
    """The key is good but its scopes, or the hub's rules, do not allow this."""

    code = "forbidden"


class NotFound(QsubmitError):
    """No such thing in the caller's organisation. Another organisation's rows look the same."""

    code = "not_found"


class Removed(QsubmitError):
    """It was there, and a rule of the hub has removed it; its hash stays. ``pointer`` names what, from the job on."""

    code = "removed"

    def __init__(self, detail: str, *, pointer: str, removed_at: str, rule: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.removed_at = removed_at
        self.rule = rule


class NoDevice(QsubmitError):
    """Every device was refused; ``refusals`` holds (device, rule, reason) of each."""

    code = "no_device"

    def __init__(self, detail: str, *, refusals: tuple[tuple[str, str, str], ...] = ()) -> None:
        super().__init__(detail)
        self.refusals = refusals


class AccessRefused(NoDevice):
    """The named device is outside the hub's access agreements."""

    code = "access_refused"


class BudgetExceeded(QsubmitError):
    """A hold would pass the limit of ``budget``, the first ancestor that lacks the money."""

    code = "budget_exceeded"

    def __init__(self, detail: str, *, budget: str) -> None:
        super().__init__(detail)
        self.budget = budget


class IdempotencyMismatch(QsubmitError):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_mismatch"


class IdempotencyInFlight(QsubmitError):
    """The same Idempotency-Key is being admitted right now."""

    code = "idempotency_in_flight"


class NotCancellable(QsubmitError):
    """The job has already ended."""

    code = "not_cancellable"


class NotReady(QsubmitError):
    """The result, or the service, is not there yet."""

    code = "not_ready"


class TooMany(QsubmitError):
    """Rate or queue limit reached; try again after ``retry_after`` seconds."""

    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(QsubmitError):
    """The service has no room for this now, whoever asks; try again after ``retry_after`` seconds."""

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class IllegalTransition(QsubmitError):
    """A move that the lifecycle table does not list: a bug, never a user's fault."""

    code = "illegal_transition"

    def __init__(self, job: str, state: str, to: str) -> None:
        super().__init__(f"job {job} cannot move from {state} to {to}")
