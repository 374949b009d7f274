"""How is a result a picture? Bars for one point, lines over one parameter, small multiples for the rest."""

from __future__ import annotations

from qsubmit.cli import histogram, words
from qsubmit.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from qsubmit.shapes import Json, Point, Result

KINDS = (".png", ".svg", ".pdf")
TOP = 32
LINES = 8
SMALL = 16
SMALL_TOP = 8


def save(result: Result, file: str) -> None:
    """Draw and write ``file``; its ending says the kind.

    Raises:
        Usage: matplotlib is missing, or the file cannot be written.
    """
    if not file.lower().endswith(KINDS):
        raise Usage(f"cannot draw {file}", hint=f"name it {', '.join('*' + kind for kind in KINDS)}")
    figure = draw(result)
    try:
        figure.savefig(file, dpi=150)
    except OSError as trouble:
        raise Usage(f"cannot write {file}: {trouble.strerror}", code="file_unreadable") from trouble


def draw(result: Result) -> Json:
    """A matplotlib figure; no display and no global state is touched."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise Usage("plotting needs matplotlib", code="plot_missing", hint="pip install 'qsubmit[plot]'") from None
    points = result["points"]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    names = {name for point in points for name in point["bindings"]}
    if len(points) == 1:
        bars(figure.subplots(), points[0], top=TOP)
    elif len(names) == 1:
        lines(figure.subplots(), points, names.pop())
    else:
        multiples(figure, points)
    mark = " [sandbox]" if result["sandbox"] else ""
    figure.suptitle(f"{result['device']}{mark}, {result['shots']['obtained']:,} shots", fontsize=10)
    return figure


def bars(axes: Json, point: Point, *, top: int) -> None:
    """Probabilities with their standard errors, most frequent first."""
    rows, shots = histogram.ordered(point["counts"])[:top], max(point["shots"], 1)
    shares = [count / shots for _, count in rows]
    errors = [(share * (1 - share) / shots) ** 0.5 for share in shares]
    places = range(len(rows))
    axes.bar(places, shares, yerr=errors, color="#2a6f97", ecolor="#555555", capsize=2)
    axes.set_xticks(places, [key for key, _ in rows], rotation=60 if len(rows) > 4 else 0, fontsize=7)  # noqa: PLR2004  more labels than fit side by side
    axes.set_ylabel("probability")
    rest = len(point["counts"]) - len(rows)
    if rest > 0:
        axes.set_xlabel(f"and {rest:,} more outcomes")


def lines(axes: Json, points: list[Point], name: str) -> None:
    """Probability of the most frequent outcomes over the parameter."""
    total: dict[str, int] = {}
    for point in points:
        for key, count in point["counts"].items():
            total[key] = total.get(key, 0) + count
    ordered = sorted(points, key=lambda point: point["bindings"].get(name, 0.0))
    values = [point["bindings"].get(name, 0.0) for point in ordered]
    for key, _ in histogram.ordered(total)[:LINES]:
        shares = [point["counts"].get(key, 0) / max(point["shots"], 1) for point in ordered]
        axes.plot(values, shares, marker="o", markersize=3, label=key)
    axes.set(xlabel=name, ylabel="probability", ylim=(-0.02, 1.02))
    axes.legend(fontsize=7, title=f"top {LINES} of {len(total):,}" if len(total) > LINES else None)


def multiples(figure: Json, points: list[Point]) -> None:
    """A small histogram per point."""
    shown = points[:SMALL]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure.set_size_inches(2.4 * columns, 2.0 * rows + 0.5)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(shown):
            axes.set_axis_off()
            continue
        bars(axes, shown[number], top=SMALL_TOP)
        bindings = ", ".join(f"{k}={words.number(v)}" for k, v in shown[number]["bindings"].items())
        axes.set_title(bindings or f"point {number}", fontsize=7)
    if len(points) > SMALL:
        figure.supxlabel(f"and {len(points) - SMALL:,} more points", fontsize=8)
