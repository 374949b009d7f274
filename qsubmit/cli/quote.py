"""What would it cost, when would it start, and who refuses? Nothing is held and nothing is sent."""

from __future__ import annotations

from qsubmit.cli import options, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.program(parser)
    options.as_json(parser)


def act(args: Namespace) -> int:
    """The decision; exit code 5 if nobody offers."""
    from qsubmit import programs
    from qsubmit.cli.decision_view import show
    from qsubmit.errors import QsubmitError

    client = options.connect(args)
    source = programs.read(args.file)
    try:
        quote = client.ask(options.fields(args, source))
    except QsubmitError as trouble:
        raise options.located(trouble, source) from None
    if args.json:
        terminal.document(quote)
    else:
        show(quote)
    return 0 if quote["choice"] else 5
