"""Which walls stand around a child, and what is open where one does not? docs/threat-model.md says it at length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# name: what a program that has taken over its child can do where this wall is missing.
WALLS: Final[Mapping[str, str]] = {
    "files": "it reads and writes all files of the user that runs the worker (needs Landlock, Linux 5.13)",
    "scopes": "a file that it may open can be truncated, and only the call filter stops signals (needs Linux 6.12)",
    "calls": "it opens connections, starts processes and signals others (needs seccomp on x86_64 or aarch64)",
    "processes": "it sees the numbers of other processes (needs PID namespaces: root, or user namespaces for all)",
    "network": "only the call filter keeps it from the network (needs network namespaces, as for processes)",
    "user": "it is the worker's own user to the kernel, so only the other walls protect files and processes of "
    "that user (needs a worker that runs as root)",
}
