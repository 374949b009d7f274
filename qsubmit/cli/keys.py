"""List, create, rotate and revoke API keys. A new key is printed once, alone, on standard output."""

from __future__ import annotations

from qsubmit import quantities
from qsubmit.cli import options, parsing, terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.client import Client
    from qsubmit.shapes import Key, NewKey


def arguments(parser: ArgumentParser) -> None:
    """Its verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=parsing.Parser)
    options.as_json(
        verbs.add_parser("list", help="list keys, without their secrets", formatter_class=parsing.formatter)
    )
    create = verbs.add_parser("create", help="create a key", formatter_class=parsing.formatter)
    create.add_argument("--member", metavar="NAME", help="for another member of the hub")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument("--scope", action="append", metavar="SCOPE", help="repeatable; default: your own scopes")
    expires = "ISO time, or +90d from now"
    create.add_argument("--expires", type=options.meant(quantities.moment), metavar="TIME", help=expires)
    limit = "what it and the keys that it makes may spend in all"
    create.add_argument("--limit", type=options.meant(quantities.money), metavar="5000KRW", help=limit)
    options.as_json(create)
    for verb, line in (
        ("rotate", "a successor with the same rights and limit; the old key works a day more at most"),
        ("revoke", "close a key and every key that it made, for good"),
    ):
        one = verbs.add_parser(verb, help=line, formatter_class=parsing.formatter)
        one.add_argument("key", metavar="KEY-ID", help="as in `qsubmit keys list`")
        options.as_json(one)


def act(args: Namespace) -> int:
    """Whichever verb."""
    verb = {"list": show_all, "create": create, "rotate": rotate, "revoke": revoke}[args.verb]
    verb(options.connect(args), args)
    return 0


def show_all(client: Client, args: Namespace) -> None:
    """A table, or ``{"keys": [...]}``."""
    keys = client.keys()
    if args.json:
        terminal.document({"keys": keys})
        return
    from qsubmit.cli.table import Column, show

    columns = [
        Column("KEY-ID"),
        Column("STATUS"),
        Column("MEMBER", least=8),
        Column("NAME", least=6, optional=1),
        Column("SCOPES", least=8, optional=2),
        Column("LEFT", right=True, optional=3),
        Column("MADE BY", optional=4),
        Column("LAST USED", optional=5),
    ]
    show(columns, [row(key) for key in keys])


def row(key: Key) -> list[str]:
    """Its cells."""
    used = f"{words.age(key['last_used_at'])} ago" if key["last_used_at"] else "never"
    maker = key["made_by"] or ""
    return [key["id"], status(key), key["member"], key["name"], " ".join(key["scopes"]), left(key), maker, used]


def left(key: Key) -> str:
    """Of its limit; nothing for a key without one."""
    if key["limit"] is None or key["left"] is None:
        return ""
    return f"{words.money(key['left']['amount'], key['left']['currency'])} of {key['limit']['display']}"


def status(key: Key) -> str:
    """Whether it works, and until when."""
    if key["revoked_at"]:
        return "revoked"
    if key["expires_at"] is None:
        return "active"
    from datetime import UTC, datetime

    past = words.parse(key["expires_at"]) <= datetime.now(UTC)
    return "expired" if past else f"until {words.local(key['expires_at'])[:10]}"


def create(client: Client, args: Namespace) -> None:
    """A new key."""
    given = {"member": args.member, "name": args.name, "scopes": args.scope, "expires_at": args.expires}
    given["limit"] = args.limit
    made(client.create_key({name: value for name, value in given.items() if value}), args)


def rotate(client: Client, args: Namespace) -> None:
    """A successor; the old key works for a day more."""
    made(client.rotate_key(args.key), args)


def made(key: NewKey, args: Namespace) -> None:
    """The secret alone on standard output, what it is on standard error."""
    if args.json:
        terminal.document(key)
        return
    terminal.note(f"key {key['id']} for {terminal.clean(key['member'])}; it is shown only now:")
    terminal.out(key["key"])


def revoke(client: Client, args: Namespace) -> None:
    """No way back."""
    client.revoke_key(args.key)
    if args.json:
        terminal.document({"revoked": args.key})
    else:
        terminal.note(f"key {args.key} is revoked")
