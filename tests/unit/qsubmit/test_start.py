"""Does the command line start with next to nothing, and every command with only what it needs?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from qsubmit.cli.commands import COMMANDS

HEAVY = {
    "asyncio",
    "dataclasses",
    "email",
    "http.client",
    "importlib.metadata",
    "inspect",
    "json",
    "logging",
    "matplotlib",
    "pathlib",
    "shutil",
    "ssl",
    "subprocess",
    "tomllib",
    "typing",
    "urllib",
    "urllib.parse",
}
OURS = {"broker", "backends", "workers"}


def modules_after(words):
    code = f"import sys; from qsubmit.cli.main import main; main({words!r}); print('|', *sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ended.stdout.rpartition("|")[2].split())


def bare():
    ended = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


def test_help_loads_no_argparse_and_four_modules_of_ours():
    loaded = modules_after(["--help"]) - bare()

    assert {name for name in loaded if not name.startswith("_")} == {
        "qsubmit",
        "qsubmit.cli",
        "qsubmit.cli.commands",
        "qsubmit.cli.main",
    }


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command_loads_nothing_heavy(name):
    loaded = modules_after([name, "--help"]) - bare()

    assert not loaded & (HEAVY | OURS)


def test_importing_the_package_loads_nothing():
    code = "import sys; before = set(sys.modules); import qsubmit; print(*(set(sys.modules) - before))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(ended.stdout.split()) == {"qsubmit", "__future__"}


def test_the_client_is_there_when_asked_for():
    import qsubmit
    from qsubmit.client import Client
    from qsubmit.errors import QsubmitError

    assert qsubmit.Client is Client
    assert qsubmit.QsubmitError is QsubmitError
    with pytest.raises(AttributeError):
        _ = qsubmit.nothing
