"""What should the caller do about a vendor's trouble? Each error is named for the reaction."""

from __future__ import annotations


class BackendError(Exception):
    """Base of what an adapter may raise. The message never holds a credential."""

    code = "backend_error"


class Busy(BackendError):
    """Nothing was accepted; the same device, later. Throttled, offline for now, or provably unreachable.

    ``retry_after`` is in seconds.
    """

    code = "backend_busy"

    def __init__(self, message: str, *, retry_after: float = 10.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(BackendError):
    """Nothing was accepted and nothing will be: the next offer, or the end.

    ``code`` may narrow it (``program_invalid``, ``device_retired``, ``no_credit``, ``limit_exceeded``); ``line``,
    ``column`` and ``pointer`` locate a fault in the program where known.
    """

    code = "backend_refused"

    def __init__(
        self,
        message: str,
        *,
        code: str = "backend_refused",
        line: int | None = None,
        column: int | None = None,
        pointer: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.column = column
        self.pointer = pointer


class Unauthorized(BackendError):
    """Our credentials are refused: pause this backend and alert."""

    code = "backend_unauthorized"


class OutcomeUnknown(BackendError):
    """The create may or may not have happened: reconcile, never guess."""

    code = "outcome_unknown"


class UnknownStatus(BackendError):
    """The vendor used a word we do not know. Guessing a state guesses a bill."""

    code = "unknown_status"


class UnknownJob(BackendError):
    """The vendor says that it has no such job."""

    code = "unknown_job"
