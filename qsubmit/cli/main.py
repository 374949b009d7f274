"""What happens when someone types ``qsubmit``? Find the command, run it, turn any error into one line and a code."""

from __future__ import annotations

import os
import sys

from qsubmit.cli import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code; see docs/exit-codes.md."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = dispatch(words)
        sys.stdout.flush()
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        sys.stderr.write("\nqsubmit: interrupted\n")
        return 130
    except BrokenPipeError:
        # Python would complain again while closing standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as trouble:  # noqa: BLE001  the outermost edge: every error ends as one line
        from qsubmit.cli.trouble import report

        return report(trouble, as_json="--json" in words)
    return code


def dispatch(words: list[str]) -> int:
    """Run the command that the words name."""
    profile, words = before_command(words)
    if not words:
        sys.stdout.write(commands.top_help())
        return 0
    name, rest = words[0], words[1:]
    if name == "help" and rest[:1]:
        name, rest = rest[0], ["--help"]
    if name in {"-h", "--help", "help"}:
        sys.stdout.write(commands.top_help())
        return 0
    if name in {"-V", "--version"}:
        name = "version"
    if name not in commands.COMMANDS:
        from qsubmit.cli.trouble import unknown_command

        raise unknown_command(name)
    if name in commands.PASSED_THROUGH and not {"-h", "--help"} & set(rest):
        code: int = commands.module_of(name).hand_over(rest)
        return code
    return run_command(name, rest, profile=profile)


def before_command(words: list[str]) -> tuple[str | None, list[str]]:
    """A ``--profile`` that stands before the command, and the rest."""
    if words[:1] == ["--profile"]:
        return (words[1] if len(words) > 1 else None), words[2:]
    if words and words[0].startswith("--profile="):
        return words[0].partition("=")[2], words[1:]
    return None, words


def run_command(name: str, rest: list[str], *, profile: str | None) -> int:
    """Parse and act."""
    from qsubmit.cli.parsing import parser_of

    parser = parser_of(name)
    args = parser.parse_intermixed_args(rest) if name not in {"keys", "admin"} else parser.parse_args(rest)
    if getattr(args, "profile", None) is None:
        args.profile = profile
    code: int = commands.module_of(name).act(args)
    return code
