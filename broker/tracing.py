"""Where did the time of one job go? Spans for OpenTelemetry, if asked for and installed; otherwise nothing at all.

Nothing here is called on the hot path when tracing is off: the composition roots then leave the traced classes out.
"""

from __future__ import annotations

import logging
import random
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Link, Span

    from broker.settings import Settings

TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
LINKS = 100
IDLE = "qsubmit.idle"
log = logging.getLogger("qsubmit.tracing")


def new_trace() -> str:
    """A trace id for a job whose request brought none; never all zeros."""
    return f"{random.getrandbits(128) or 1:032x}"


def trace_in(traceparent: str) -> str | None:
    """The trace id of a W3C ``traceparent``, or None."""
    match = TRACEPARENT.fullmatch(traceparent)
    return match.group(1) if match else None


def tracing_of(settings: Settings, service: str) -> Tracing | None:
    """Spans to the collector that ``OTEL_EXPORTER_OTLP_ENDPOINT`` names, or None if tracing is off."""
    if not settings.tracing:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  an extra
    except ImportError:
        log.warning("QSUBMIT_TRACING is set and qsubmit[otel] is not installed: no traces")
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(unless_idle(BatchSpanProcessor(OTLPSpanExporter())))
    return Tracing(provider)


def unless_idle(processor: SpanProcessor) -> SpanProcessor:
    """The processor without the spans of ticks that found nothing to do: there are many each second."""
    keep = processor.on_end
    processor.on_end = lambda span: None if (span.attributes or {}).get(IDLE) else keep(span)  # type: ignore[method-assign]
    return processor


class Tracing:
    """Spans of one process."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("qsubmit")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        parent: str = "",
        traces: Iterable[str | None] = (),
        about: Mapping[str, str | int] | None = None,
    ) -> Iterator[Span]:
        """A span around a block, under a ``traceparent`` if there is one, linked to the traces of other jobs."""
        links = [link for trace in list(traces)[:LINKS] if trace and (link := _link(trace))]
        found = self._tracer.start_as_current_span(
            name, context=_context(parent), links=links, attributes=dict(about or {})
        )
        with found as span:
            yield span

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def parent_of(trace: str) -> str:
    """A ``traceparent`` for a job of which only the trace id is stored; its span id is the id's own second half."""
    return f"00-{trace}-{trace[16:]}-01"


def _context(traceparent: str) -> Context | None:
    from opentelemetry import trace  # noqa: PLC0415  an extra

    match = TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    name, span, flags = (int(part, 16) for part in match.groups())
    remote = trace.SpanContext(name, span, is_remote=True, trace_flags=trace.TraceFlags(flags))
    return trace.set_span_in_context(trace.NonRecordingSpan(remote))


def _link(name: str) -> Link | None:
    from opentelemetry import trace  # noqa: PLC0415  an extra

    match = TRACEPARENT.fullmatch(parent_of(name))
    if match is None:
        return None
    return trace.Link(trace.SpanContext(int(match.group(1), 16), int(match.group(2), 16), is_remote=True))
