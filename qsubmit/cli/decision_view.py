"""How does a decision look? The choice with its reason, every offer, every refusal."""

from __future__ import annotations

from qsubmit.cli import terminal, words
from qsubmit.cli.table import Column
from qsubmit.cli.table import show as show_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from qsubmit.shapes import Decision, Offer


def show(decision: Decision) -> None:
    """Print it."""
    choice = decision["choice"]
    chosen = terminal.style(terminal.clean(choice), "bold") if choice else terminal.style("no device", "red")
    terminal.out(f"{chosen} ({decision['prefer']})")
    terminal.dim(terminal.clean(decision["why"]))
    if decision["offers"]:
        terminal.out()
        offers(decision)
    if decision["refusals"]:
        terminal.out()
        columns = [Column("REFUSED", least=14), Column("RULE", optional=1), Column("REASON", least=30)]
        show_table(columns, [[r["device"], r["rule"], r["reason"]] for r in decision["refusals"]])


def offers(decision: Decision) -> None:
    """Best first, the chosen one marked."""
    columns = [
        Column(""),
        Column("OFFER", least=14),
        Column("COST", right=True),
        Column("WAIT", right=True),
        Column("P90", right=True, optional=3),
        Column("RUN", right=True, optional=2),
        Column("SUCCESS", right=True),
        Column("SCORE", right=True, optional=1),
    ]
    show_table(columns, [row(offer, chosen=offer["device"] == decision["choice"]) for offer in decision["offers"]])
    notes = ["* a sandbox, not the vendor's device"] if any(offer["sandbox"] for offer in decision["offers"]) else []
    if any(offer["history"] == 0 for offer in decision["offers"]):
        notes.append("? no jobs there yet, so the wait is a guess")
    for note in notes:
        terminal.dim(note)


def row(offer: Offer, *, chosen: bool) -> list[str]:
    """Its cells."""
    guess = "?" if offer["history"] == 0 else ""
    return [
        ">" if chosen else "",
        offer["device"] + ("*" if offer["sandbox"] else ""),
        offer["cost"]["display"],
        words.span(offer["wait_s"]) + guess,
        words.span(offer["wait_p90_s"]),
        words.span(offer["run_s"]),
        words.percent(offer["success"]),
        f"{offer['score']:.3g}",
    ]
