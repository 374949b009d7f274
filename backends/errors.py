"""What should the caller do about a vendor's trouble? Each error is named for the reaction."""

from __future__ import annotations

from backends import storable


class BackendError(Exception):
    """Base of what an adapter may raise. The message never holds a credential.

    It often quotes a vendor or a child: whatever it was given, it is bounded and can be stored.
    """

    code = "backend_error"

    def __init__(self, message: str = "") -> None:
        super().__init__(storable.text(message))


class Busy(BackendError):
    """Nothing was accepted; the same device, later. Throttled, offline for now, or provably unreachable.

    ``retry_after`` is in seconds.
    """

    code = "backend_busy"

    def __init__(self, message: str, *, retry_after: float = 10.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotTried(Busy):
    """Nothing was sent, for a reason of ours: it says nothing about the vendor."""

    code = "not_tried"


class Refused(BackendError):
    """Nothing was accepted and nothing will be: the next offer, or the end.

    ``asked`` is false where it was refused here, before the vendor was asked.

    ``code`` may narrow it (``program_invalid``, ``device_retired``, ``no_credit``, ``limit_exceeded``); ``line``,
    ``column`` and ``pointer`` locate a fault in the program where known.
    """

    code = "backend_refused"
    asked = True

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
        self.code = storable.code(code, type(self).code)
        self.line = storable.place(line)
        self.column = storable.place(column)
        self.pointer = storable.pointer(pointer)


class Unauthorized(BackendError):
    """Our credentials are refused: pause this backend and alert."""

    code = "backend_unauthorized"


class OutcomeUnknown(BackendError):
    """The create may or may not have happened: reconcile, never guess."""

    code = "outcome_unknown"


class UnknownStatus(BackendError):
    """The vendor used a word we do not know. Guessing a state guesses a bill."""

    code = "unknown_status"


class Unreadable(BackendError):
    """The answer is not what is documented: a result, a duration or a count that we will not guess.

    It may be read later, or by a later release; nothing is booked on it, and never as zero.
    """

    code = "answer_unreadable"


class UnknownJob(BackendError):
    """The vendor says, in its own form, that it has no such job or that its result is gone for good.

    Never a 404 alone: a proxy, a wrong address or a deployment under way answers that too, and then the answer is "not
    now" (``Busy``). A paid result is given up for good on this word.
    """

    code = "unknown_job"
