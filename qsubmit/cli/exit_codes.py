"""What does the shell see? The one table of exit codes; docs/exit-codes.md mirrors it and a test compares them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from qsubmit.errors import QsubmitError

# (exit code, class, meaning, problem codes; a trailing * stands for any ending)
TABLE: tuple[tuple[int, str, str, tuple[str, ...]], ...] = (
    (0, "ok", "The command did what it was asked.", ()),
    (1, "job failed", "The job ended as `failed`.", ("job_failed",)),
    (
        2,
        "usage",
        "A wrong argument, an unreadable file, or a broken configuration; nothing was sent.",
        ("usage", "file_unreadable", "format_unknown", "config_invalid", "plot_missing", "server_missing"),
    ),
    (3, "not allowed", "No key, a bad key, or no right to this.", ("unauthenticated", "forbidden")),
    (
        4,
        "invalid",
        "The program or the request is invalid; line, column or pointer say where.",
        ("program_*", "request_invalid"),
    ),
    (
        5,
        "no device",
        "No device can or may run it; `qsubmit quote` shows the reasons.",
        ("no_device", "access_refused"),
    ),
    (6, "budget", "A budget does not cover the worst case of its cost.", ("budget_exceeded",)),
    (7, "not found", "No such job or key in the caller's organisation, or no longer.", ("not_found", "removed")),
    (
        8,
        "server",
        "The server cannot be reached or answered with a 5xx.",
        ("unreachable", "certificate", "internal", "unavailable"),
    ),
    (9, "timed out", "`--timeout` passed; the job goes on.", ("timed_out",)),
    (10, "cancelled", "The job ended as `cancelled` or `expired`.", ("job_cancelled", "job_expired")),
    (
        11,
        "busy or conflict",
        "A rate limit, a reused Idempotency-Key, or a job in another state than the command needs.",
        (
            "rate_limited",
            "conflict",
            "idempotency_mismatch",
            "idempotency_in_flight",
            "not_cancellable",
            "not_ready",
            "illegal_transition",
        ),
    ),
    (70, "bug", "A fault in qsubmit itself; QSUBMIT_DEBUG=1 shows the traceback.", ("bug",)),
    (130, "interrupted", "Ctrl-C; a job that was submitted goes on.", ()),
    (141, "closed", "The reader of standard output went away, as when piped into `head`.", ()),
)

OK, FAILED, USAGE, TIMED_OUT, BUG, INTERRUPTED, CLOSED = 0, 1, 2, 9, 70, 130, 141

OF_CODE = {code: number for number, _, _, codes in TABLE for code in codes}
OF_CLASS = {
    "JobFailed": 1,
    "Usage": 2,
    "Unauthenticated": 3,
    "Forbidden": 3,
    "RequestInvalid": 4,
    "ProgramInvalid": 4,
    "NoDevice": 5,
    "AccessRefused": 5,
    "BudgetExceeded": 6,
    "NotFound": 7,
    "Removed": 7,
    "Unreachable": 8,
    "ServerTrouble": 8,
    "TimedOut": 9,
    "JobCancelled": 10,
    "JobExpired": 10,
}


def exit_code(error: QsubmitError) -> int:
    """By the error's class, which already heeds the status; a conflict or a rate limit is what remains."""
    return OF_CLASS.get(type(error).__name__, OF_CODE.get(error.code, 11))
