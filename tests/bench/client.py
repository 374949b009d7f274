"""How long does the command line take to start? Against a bare Python that only imports its argument library."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

Row = tuple[str, float, float, float, str]


def _seconds(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def help_time(*, rounds: int) -> Row:
    """Seconds of ``qsubmit --help`` and of ``import argparse``, in turn."""
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(_seconds(sys.executable, "-c", "import argparse"))
        ours.append(_seconds(sys.executable, "-m", "qsubmit", "--help"))
    ratio = median(o / b for o, b in zip(ours, bare, strict=True))
    return ("seconds of --help vs bare Python with argparse", median(bare), median(ours), ratio, "<= 1.3")
