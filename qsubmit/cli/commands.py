"""Which commands are there? One table; a command's module is imported when its name is typed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# name: (module, one line)
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "submit a program, follow it and show the result"),
    "submit": ("submit", "submit a program and print the job's id"),
    "status": ("status", "show jobs as they stand"),
    "watch": ("watch", "follow jobs until they end"),
    "result": ("result", "show or save a result"),
    "cancel": ("cancel", "cancel jobs"),
    "jobs": ("jobs", "list jobs"),
    "devices": ("devices", "list devices with status, queue and price"),
    "quote": ("quote", "price, wait and refusals before anything is sent"),
    "explain": ("explain", "why this device, and what happened when"),
    "keys": ("keys", "list, create, rotate and revoke API keys"),
    "admin": ("admin", "operator: adopt or release a job in attention"),
    "up": ("up", "start a hub on this machine"),
    "sandbox": ("sandbox", "start one vendor's sandbox"),
    "doctor": ("doctor", "find out what is wrong and what to do"),
    "completion": ("completion", "print a shell's completion script"),
    "version": ("version", "print the version"),
}
PASSED_THROUGH = frozenset({"up", "sandbox"})
GLOBAL = (("--profile", "NAME", "profile of config.toml"),)
EXAMPLES = """\
examples:
  qsubmit run bell.qasm --shots 1000 --prefer cheapest --max-cost 5000KRW
  qsubmit quote bell.qasm          qsubmit jobs --state running
  qsubmit explain JOB              qsubmit result JOB --plot counts.png

QSUBMIT_URL and QSUBMIT_API_KEY say where and who; `qsubmit doctor` checks them.
"""


def top_help() -> str:
    """The text of ``qsubmit --help``, without importing any command."""
    lines = ["usage: qsubmit [--profile NAME] COMMAND ...", "", "Run quantum programs on the hub's devices.", ""]
    lines += ["commands:", *(f"  {name:<12}{line}" for name, (_, line) in COMMANDS.items()), "", "options:"]
    lines += [f"  {f'{flag} {value}':<24}{line}" for flag, value, line in GLOBAL]
    lines += [f"  {'-h, --help':<24}this text, or a command's own", f"  {'--version':<24}print the version", ""]
    return "\n".join(lines) + "\n" + EXAMPLES


def module_of(name: str) -> ModuleType:
    """The command's module: ``arguments(parser)`` and ``act(args) -> exit code``."""
    from importlib import import_module

    return import_module(f"qsubmit.cli.{COMMANDS[name][0]}")
