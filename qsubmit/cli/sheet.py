"""How is a result a spreadsheet? A row per outcome; for a sweep a row per point and a column per outcome."""

from __future__ import annotations

import csv
import re
import sys

from qsubmit.cli import histogram, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from qsubmit.shapes import Result

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are their full-width forms
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def write(result: Result) -> None:
    """To standard output."""
    rows = sweep(result) if len(result["points"]) > 1 else single(result)
    csv.writer(sys.stdout, lineterminator="\n").writerows([[inert(cell) for cell in row] for row in rows])


def inert(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe, numbers stay."""
    if not isinstance(cell, str):
        return cell
    if terminal.is_tty(sys.stdout):
        cell = terminal.clean(cell)
    return cell if cell[:1] not in FORMULA or NUMBER.fullmatch(cell) else f"'{cell}"


def single(result: Result) -> list[list[object]]:
    """``outcome,count,probability``, most frequent first."""
    point = result["points"][0]
    shots = max(point["shots"], 1)
    rows: list[list[object]] = [["outcome", "count", "probability"]]
    rows += [[key, count, f"{count / shots:.6g}"] for key, count in histogram.ordered(point["counts"])]
    return rows


def sweep(result: Result) -> list[list[object]]:
    """``point,<parameters>,shots,<outcomes>``; an outcome that a point never gave is 0."""
    points = result["points"]
    names = sorted({name for point in points for name in point["bindings"]})
    outcomes = sorted({key for point in points for key in point["counts"]})
    rows: list[list[object]] = [["point", *names, "shots", *outcomes]]
    for number, point in enumerate(points):
        bindings = [point["bindings"].get(name, "") for name in names]
        rows.append([number, *bindings, point["shots"], *(point["counts"].get(key, 0) for key in outcomes)])
    return rows
