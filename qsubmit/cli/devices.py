"""List devices with status, width, queue, expected wait and price; or tell what one of them is made of."""

from __future__ import annotations

from qsubmit.cli import options, terminal, words
from qsubmit.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from qsubmit.shapes import Device, Json


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("device", metavar="DEVICE", nargs="?", help="this one alone")
    parser.add_argument(
        "--specs", action="store_true", help="what DEVICE is made of, as JSON: topology, gates, figures"
    )
    parser.add_argument("--accessible", action="store_true", help="only those that you may use")
    parser.add_argument("--accepts", metavar="FORMAT", help="only those that accept this format")
    options.as_json(parser)


def act(args: Namespace) -> int:
    """A table, or ``{"devices": [...]}``; with ``--specs`` the document of one."""
    if args.specs:
        return specs(args)
    devices = [device for device in options.connect(args).devices() if wanted(device, args)]
    if args.json:
        terminal.document({"devices": devices})
        return 0
    devices.sort(key=lambda device: (not device["accessible"], device["name"]))
    table(devices)
    for line in notes(devices):
        terminal.dim(line)
    return 0


def specs(args: Namespace) -> int:
    """JSON: nobody reads a thousand figures in a table."""
    if args.device is None:
        raise Usage("--specs needs a DEVICE")
    terminal.document(options.connect(args).specs(args.device))
    return 0


def notes(devices: list[Device]) -> list[str]:
    """What the marks mean, and why some devices are closed to the caller."""
    lines = (
        ["* a sandbox on the hub's own machine, not the vendor's device"] if any(d["sandbox"] for d in devices) else []
    )
    closed = [device for device in devices if not device["accessible"]]
    return lines + [terminal.clean(f"no access to {d['name']}: {d['refusal'] or 'no reason given'}") for d in closed]


def wanted(device: Device, args: Namespace) -> bool:
    """Whether the filters let it through."""
    if args.accessible and not device["accessible"]:
        return False
    if args.device is not None and args.device != device["name"]:
        return False
    return args.accepts is None or args.accepts in device["accepts"]


def table(devices: list[Device]) -> None:
    """One row per device."""
    from qsubmit.cli.table import Column, show

    columns = [
        Column("DEVICE", least=19),
        Column("KIND"),
        Column("STATUS"),
        Column("WIDTH", right=True),
        Column("QUEUE", right=True, optional=1),
        Column("WAIT", right=True),
        Column("PRICE", least=18),
        Column("ACCESS", optional=2),
    ]
    show(columns, [row(device) for device in devices])


def row(device: Device) -> list[str]:
    """Its cells."""
    name = device["name"] + ("*" if device["sandbox"] else "")
    kind = "sim" if device["kind"] == "simulator" else device["kind"]
    queue = "-" if device["queue_depth"] is None else str(device["queue_depth"])
    wide = "-" if device["width"] is None else str(device["width"])
    access = "yes" if device["accessible"] else "no"
    return [name, kind, status(device), wide, queue, words.brief(device["wait_s"]), price(device["price"]), access]


def status(device: Device) -> str:
    """The vendor's word, or when the next window opens."""
    if device["status"] == "online" and not device["available_now"]:
        return f"opens {words.local(device['next_window'])[5:10]}" if device["next_window"] else "closed"
    return device["status"]


def price(price: dict[str, Any] | None) -> str:
    """``USD 0.3 + 0.0035/shot``; parts that are zero are not shown, and of tiers or steps only what they count."""
    if price is None:
        return "unknown"
    if price.get("per_task") is None and price.get("components"):
        return f"{price.get('currency', '')} by {', '.join(part['unit'] for part in price['components'])}"
    units = (("per_task", ""), ("per_shot", "/shot"), ("per_second", "/s"))
    parts = [f"{amount}{unit}" for key, unit in units if (amount := plain(price.get(key)))]
    return f"{price.get('currency', '')} {' + '.join(parts)}".strip() if parts else "free"


def plain(amount: Json) -> str:
    """Decimal text without trailing zeros; empty for nothing."""
    if isinstance(amount, dict):
        amount = amount.get("amount")
    if amount is None:
        return ""
    text = str(amount)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "" if text in {"", "0"} else text
