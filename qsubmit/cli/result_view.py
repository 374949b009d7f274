"""How does a result look in a terminal? A head line, the costs and times, and a histogram or a row per point."""

from __future__ import annotations

import sys

from qsubmit.cli import histogram, terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from qsubmit.shapes import Job, Point, Result

TOP = 16
LEADERS = 3


def show(job: Job, result: Result, *, top: int | None = None) -> None:
    """Print it all."""
    head(job, result)
    terminal.out()
    if len(result["points"]) == 1:
        limit = terminal.width(sys.stdout) or 80
        for line in histogram.lines(result["points"][0]["counts"], top=top or TOP, limit=limit):
            terminal.out(line)
    else:
        sweep(result)
    terminal.out()
    terminal.dim(note_on_keys(result))
    for warning in result["warnings"]:
        terminal.note(terminal.style(f"warning: {terminal.clean(warning)}", "yellow", sys.stderr))


def head(job: Job, result: Result) -> None:
    """Who, where, how often, for how much, and how long."""
    shots, device = result["shots"], terminal.clean(result["device"])
    asked = "" if shots["obtained"] == shots["asked"] else f" of {shots['asked']:,} asked"
    mark = terminal.style(" [sandbox]", "yellow") if result["sandbox"] else ""
    name = f" {terminal.clean(job['name'])}" if job["name"] else ""
    terminal.out(f"{terminal.state(job['state'])} {terminal.style(device, 'bold')}{mark}{name}")
    points = "" if len(result["points"]) == 1 else f" over {len(result['points'])} points"
    facts = [f"{shots['obtained']:,} shots{asked}{points}", charged(job)]
    if result["engine"]:
        facts.append(terminal.clean(result["engine"]))
    for line in terminal.wrapped(" · ".join(facts)):
        terminal.out(line)
    terminal.dim(times(job))


def charged(job: Job) -> str:
    """The bill, or what is still held for it."""
    cost = job["cost"]
    if cost["charged"] is None:
        return f"{words.money(cost['held'], cost['currency'])} held"
    return f"{words.money(cost['charged'], cost['currency'])} charged"


def times(job: Job) -> str:
    """The latency split."""
    latency = job["latency"]
    stages = (
        (latency["broker_queue_s"], "queued here"),
        (latency["vendor_queue_s"], "at the vendor"),
        (latency["run_s"], "running"),
        (latency["fetch_s"], "fetching"),
    )
    parts = [f"{words.span(seconds)} {what}" for seconds, what in stages if seconds is not None]
    return f"{words.span(latency['total_s'])} in all: " + ", ".join(parts) if parts else words.span(latency["total_s"])


def note_on_keys(result: Result) -> str:
    """How to read an outcome."""
    registers = result["registers"]
    if len(registers) <= 1:
        return terminal.clean(result["bit_order"])
    spans = ", ".join(f"{r['name']}={r['offset']}..{r['offset'] + r['size'] - 1}" for r in registers)
    return terminal.clean(f"{result['bit_order']} ({spans})")


def sweep(result: Result) -> None:
    """A row per point: its bindings and its most frequent outcomes."""
    from qsubmit.cli.table import Column
    from qsubmit.cli.table import show as show_table

    names = sorted({name for point in result["points"] for name in point["bindings"]})
    columns = [Column("POINT", right=True), *(Column(terminal.clean(name), right=True) for name in names)]
    columns += [Column("SHOTS", right=True, optional=1), Column("OUTCOMES", least=20)]
    rows = [
        [str(i), *(bound(point, name) for name in names), f"{point['shots']:,}", leaders(point)]
        for i, point in enumerate(result["points"])
    ]
    show_table(columns, rows)


def bound(point: Point, name: str) -> str:
    """A parameter's value at this point."""
    return words.number(point["bindings"][name]) if name in point["bindings"] else "-"


def leaders(point: Point) -> str:
    """``00 51.2 %, 11 48.8 %``."""
    ordered = histogram.ordered(point["counts"])
    shown = [f"{key} {words.percent(count / max(point['shots'], 1))}" for key, count in ordered[:LEADERS]]
    rest = len(ordered) - LEADERS
    return ", ".join(shown) + (f", … {rest} more" if rest > 0 else "")
