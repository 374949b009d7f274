"""The doors of a Grafana JSON data source, for hubs without a Prometheus; in the shape of the simple-json plugin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from broker.api import schemas
from broker.api.caller import KeyFirst, needs, room_of
from broker.api.jobs import PROBLEMS, answer
from broker.domain.errors import RequestInvalid
from broker.domain.hub import Member
from broker.reads.remarks import KINDS, Remark, remarks
from broker.reads.series import MOST_STEPS, TARGETS, Series, Span, series

router = APIRouter(prefix="/grafana", tags=["grafana"], route_class=KeyFirst)
Operator = Annotated[Member, Depends(needs("ops"))]
Name = Annotated[str, Field(max_length=128)]
LONGEST = timedelta(days=366)


class Lenient(BaseModel):
    """Grafana sends many more members, and more with each version."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Range(Lenient):
    """The time range of a dashboard."""

    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")


class Search(Lenient):
    """A part of a target's name."""

    target: Name = ""


class Target(Lenient):
    """One line of a panel; an empty target is one that is still being typed."""

    target: Name = ""
    type: Literal["timeserie", "timeseries", "table"] = "timeserie"


class Query(Lenient):
    """A panel asks; ``intervalMs`` is the step it would like."""

    range: Range
    interval_ms: int = Field(default=60_000, ge=1, le=10**12, alias="intervalMs")
    max_points: int = Field(default=1000, ge=1, le=10**6, alias="maxDataPoints")
    targets: list[Target] = Field(max_length=32)


class Annotation(Lenient):
    """What a dashboard wants marked: one of the kinds, several by commas, or all."""

    name: Name = ""
    query: Name | None = None


class AnnotationQuery(Lenient):
    """A dashboard asks for marks."""

    range: Range
    annotation: Annotation = Annotation()


@router.get("", response_model=schemas.Health, responses=PROBLEMS, include_in_schema=False)
@router.get("/", response_model=schemas.Health, responses=PROBLEMS)
async def health(_member: Operator) -> Response:
    """The data source answers and the key is good."""
    return answer({"status": "ok", "checks": {}})


@router.post("/search", response_model=list[str], responses=PROBLEMS)
async def search(body: Search, _member: Operator) -> Response:
    """The names of targets."""
    return answer([name for name in TARGETS if body.target in name])


@router.post("/query", responses=PROBLEMS)
async def query(request: Request, body: Query, member: Operator) -> Response:
    """Series as ``{target, datapoints: [[value, milliseconds]]}``, tables as ``{type, columns, rows}``."""
    store, span = room_of(request).store, _span(body.range, timedelta(milliseconds=body.interval_ms), body.max_points)

    def read() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for wanted in body.targets:
            if wanted.target:
                these = series(store, member.hub, _known(wanted.target), span)
                found += [_table(these)] if wanted.type == "table" else [_line(each) for each in these]
        return found

    return answer(await room_of(request).slow(read))


@router.post("/annotations", responses=PROBLEMS)
async def mark(request: Request, body: AnnotationQuery, member: Operator) -> Response:
    """Failures, orphans and pauses as ``{annotation, time, title, text, tags}``."""
    span = _span(body.range, timedelta(seconds=1), MOST_STEPS)
    kinds = _kinds(body.annotation.query or "")
    found = await room_of(request).slow(partial(remarks, room_of(request).store, member.hub, kinds, span))
    return answer([_mark(body.annotation, remark) for remark in found])


def _span(asked: Range, step: timedelta, most: int) -> Span:
    begin, end = (at.replace(tzinfo=at.tzinfo or UTC) for at in (asked.begin, asked.end))
    try:
        begin, end = begin.astimezone(UTC), end.astimezone(UTC)
        fits = timedelta(0) < end - begin <= LONGEST
    except OverflowError:
        fits = False
    if not fits or begin.year < 1971 or end.year > 9000:  # noqa: PLR2004  no time of ours, and room to add steps
        raise RequestInvalid(f"the range must be longer than nothing and at most {LONGEST.days} days", pointer="/range")
    return Span.of(begin, end, step=step, most=most)


def _known(target: str) -> str:
    if target not in TARGETS:
        raise RequestInvalid(f"{target} is no target; the targets are {', '.join(TARGETS)}", pointer="/targets")
    return target


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(part.strip() for part in text.split(",") if part.strip())
    for kind in kinds:
        if kind not in KINDS:
            raise RequestInvalid(f"{kind} is no kind; the kinds are {', '.join(KINDS)}", pointer="/annotation/query")
    return kinds or tuple(KINDS)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _line(series: Series) -> dict[str, Any]:
    return {"target": series.name, "datapoints": [[value, _milliseconds(at)] for value, at in series.points]}


def _table(found: list[Series]) -> dict[str, Any]:
    """One row per series with its newest value."""
    columns = [
        {"text": name, "type": kind} for name, kind in (("Time", "time"), ("Name", "string"), ("Value", "number"))
    ]
    newest = [(series.name, *series.points[-1]) for series in found if series.points]
    rows = [[_milliseconds(at), name, value] for name, value, at in newest]
    return {"type": "table", "columns": columns, "rows": rows}


def _mark(annotation: Annotation, remark: Remark) -> dict[str, Any]:
    return {
        "annotation": annotation.model_dump(),
        "time": _milliseconds(remark.at),
        "title": remark.title,
        "text": remark.text,
        "tags": list(remark.tags),
    }
