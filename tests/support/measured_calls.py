"""Which system calls do children make once their doors are closed? ``python -m tests.support.measured_calls COMMAND``.

Runs any command that uses children (a test of one engine, say) under strace and prints what each call was met with:
those of ``backends/calls.py`` that were made, and those that were refused.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from backends.calls import ALLOWED

LINE = re.compile(r"^(?P<pid>\d+) +(?:<\.\.\. )?(?P<name>\w+)(?:\(| resumed>)(?P<rest>.*)$")
ARGUED = {"clone", "clone3", "kill", "tgkill", "prlimit64", "fcntl", "ioctl", "prctl"}


def measured(lines: list[str]) -> tuple[Counter[str], Counter[str]]:
    """Calls made, and calls refused, by processes after their filter was set."""
    closed: set[str] = set()
    made: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        pid, name, rest = found["pid"], found["name"], found["rest"]
        if pid in closed:
            (refused if "EPERM" in rest else made)[name if "EPERM" not in rest else f"{name}({rest[:100]}"] += 1
            if name in ("clone", "clone3") and (thread := re.search(r"= (\d+)$", rest)):
                closed.add(thread[1])
        if name == "seccomp" and "SECCOMP_SET_MODE_FILTER" in rest:
            closed.add(pid)
    return made, refused


def main(command: list[str]) -> None:
    """Run it and tell."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        subprocess.run(["strace", "-f", "-qq", "-s", "40", "-o", str(trace), *command], check=False)
        made, refused = measured(trace.read_text(errors="replace").splitlines())
    print("made:", ", ".join(f"{name} {number}" for name, number in made.most_common()))
    print("refused:", *(f"  {number} {name}" for name, number in refused.most_common()), sep="\n")
    print("listed, not made:", ", ".join(sorted(set(ALLOWED) - set(made))))
    print("not listed:", ", ".join(sorted(set(made) - set(ALLOWED) - ARGUED)))


if __name__ == "__main__":
    main(sys.argv[1:])
