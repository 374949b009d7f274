"""Print a shell's completion script. It is static: completing starts no Python."""

from __future__ import annotations

import argparse

from qsubmit.cli import commands, parsing, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

SHELLS = ("bash", "zsh", "fish")
FILES = frozenset({"FILE", "FILE|JSON", "FILE.png", "DIR"})


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("shell", choices=SHELLS, help='bash: eval "$(qsubmit completion bash)" in ~/.bashrc')


def act(args: Namespace) -> int:
    """The script."""
    script = {"bash": bash, "zsh": zsh, "fish": fish}[args.shell]
    terminal.out(script(tree()))
    return 0


class Word:
    """One option or operand of a command. ``takes`` is None for a flag; ``choices`` what may follow."""

    __slots__ = ("choices", "files", "flags", "line", "takes")

    def __init__(self, action: argparse.Action) -> None:
        self.flags = list(action.option_strings)
        self.takes = None if action.nargs == 0 else str(action.metavar or action.dest)
        self.choices = [str(choice) for choice in action.choices or getattr(action, "offers", list)()]
        self.files = self.takes in FILES
        self.line = (action.help or "").replace("%%", "%").replace("%(choices)s", ", ".join(self.choices))


def tree() -> dict[str, list[Word]]:
    """The words of each command; a verb's are under ``keys list`` and the like."""
    found: dict[str, list[Word]] = {}
    for name in commands.COMMANDS:
        for path, parser in _parsers(name, parsing.parser_of(name)):
            found[path] = [Word(action) for action in _actions(parser)]
    return found


def _parsers(path: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield path, parser
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  argparse has no public way to read a parser
            for verb, child in action.choices.items():
                yield from _parsers(f"{path} {verb}", child)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001  argparse has no public way to read a parser


def bash(words: dict[str, list[Word]]) -> str:
    """``complete -F``; works on bash 3.2 and without bash-completion."""
    lines = ["# qsubmit completion for bash", "_qsubmit() {"]
    lines += ['    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"']
    lines += ['    local command="${COMP_WORDS[1]}" verb="${COMP_WORDS[2]}"', "    COMPREPLY=()"]
    lines += ['    if [ "$COMP_CWORD" -eq 1 ]; then']
    lines += [
        f'        COMPREPLY=($(compgen -W "{" ".join(commands.COMMANDS)}" -- "$word"))',
        "        return",
        "    fi",
    ]
    lines += ['    case "$command $verb" in']
    for path, own in sorted(words.items(), key=lambda item: -item[0].count(" ")):
        lines.append(f'        "{path}"*)' if " " in path else f'        "{path} "*)')
        lines += _bash_case(own)
        lines.append("            ;;")
    return "\n".join([*lines, "    esac", "}", "complete -o default -F _qsubmit qsubmit"])


def _bash_case(own: list[Word]) -> list[str]:
    lines = ['            case "$before" in']
    for word in own:
        if word.flags and word.takes is not None:
            reply = (
                f'COMPREPLY=($(compgen -W "{" ".join(word.choices)}" -- "$word"))' if word.choices else "COMPREPLY=()"
            )
            reply = 'COMPREPLY=($(compgen -f -- "$word"))' if word.files else reply
            lines.append(f"                {'|'.join(word.flags)}) {reply}; return ;;")
    flags = " ".join(flag for word in own for flag in word.flags)
    operands = " ".join(choice for word in own if not word.flags for choice in word.choices)
    lines += ["            esac", '            if [ "${word#-}" != "$word" ]; then']
    lines += [f'                COMPREPLY=($(compgen -W "{flags}" -- "$word"))', "            else"]
    files = any(word.files for word in own if not word.flags)
    reply = 'compgen -f -- "$word"' if files else f'compgen -W "{operands}" -- "$word"'
    return [*lines, f"                COMPREPLY=($({reply}))", "            fi"]


def zsh(words: dict[str, list[Word]]) -> str:
    """``#compdef``; put it on ``fpath`` as ``_qsubmit``, or source it."""
    lines = ["#compdef qsubmit", "_qsubmit() {", "    local -a commands", "    commands=("]
    lines += [f"        {_quote(f'{name}:{line}')}" for name, (_, line) in commands.COMMANDS.items()]
    lines += [
        "    )",
        "    if (( CURRENT == 2 )); then",
        "        _describe command commands",
        "        return",
        "    fi",
    ]
    lines += ['    case "${words[2]} ${words[3]}" in']
    for path, own in sorted(words.items(), key=lambda item: -item[0].count(" ")):
        lines.append(f'        "{path}"*)' if " " in path else f'        "{path} "*)')
        shift = 3 if " " in path else 2
        lines.append(f"            shift {shift - 1} words; (( CURRENT -= {shift - 1} ))")
        specs = [spec for word in own for spec in _zsh_specs(word)]
        lines += ["            _arguments \\", *(f"                {_quote(spec)} \\" for spec in specs)]
        lines += ["                && return", "            ;;"]
    return "\n".join(
        [*lines, "    esac", "}", '[ "$funcstack[1]" = "_qsubmit" ] && _qsubmit "$@" || compdef _qsubmit qsubmit']
    )


def _zsh_specs(word: Word) -> list[str]:
    line = word.line.replace("[", "(").replace("]", ")").replace(":", ";")
    after = "_files" if word.files else f"({' '.join(word.choices)})" if word.choices else " "
    value = "" if word.takes is None else f":{word.takes.replace(':', ';')}:{after}"
    if not word.flags:
        return [f"*{value or ':word: '}"]
    return [f"*{flag}[{line}]{value}" for flag in word.flags]


def fish(words: dict[str, list[Word]]) -> str:
    """``complete -c``; put it in ``~/.config/fish/completions/qsubmit.fish``."""
    lines = ["# qsubmit completion for fish", "complete -c qsubmit -f"]
    for name, (_, line) in commands.COMMANDS.items():
        lines.append(f"complete -c qsubmit -n __fish_use_subcommand -a {name} -d {_quote(line)}")
    for path, own in words.items():
        name, _, verb = path.partition(" ")
        seen = f"__fish_seen_subcommand_from {name}" + (f"; and __fish_seen_subcommand_from {verb}" if verb else "")
        lines += [f"complete -c qsubmit -n {_quote(seen)} {spec}" for word in own for spec in _fish_specs(word)]
    return "\n".join(lines)


def _fish_specs(word: Word) -> Iterator[str]:
    after = " -r" if word.takes is not None and word.flags else ""
    after += " -F" if word.files else ""
    after += f" -a {_quote(' '.join(word.choices))}" if word.choices else ""
    if not word.flags:
        if after:
            yield after.strip()
        return
    names = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in word.flags)
    yield f"{names}{after} -d {_quote(word.line)}"


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"
