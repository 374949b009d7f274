"""How does a program talk to a hub? ``Client``: submit, wait, read the result; one method per thing the API does."""

from __future__ import annotations

import random
import time
from urllib.parse import quote as escape
from urllib.parse import urlencode

from qsubmit import config, programs
from qsubmit.connection import Connection
from qsubmit.requests import fresh_key, request_fields
from qsubmit.retry import ATTEMPTS, READ_ATTEMPTS, insist

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence
    from datetime import datetime
    from http.client import HTTPResponse
    from typing import Any, Self

    from qsubmit import shapes
    from qsubmit.connection import Answer
    from qsubmit.errors import QsubmitError
    from qsubmit.shapes import Json


class Client:
    """A hub, as one member sees it. Thread-safe; answers are the JSON documents of ``qsubmit.shapes``.

    Without arguments it takes what the command line takes: ``QSUBMIT_URL`` and ``QSUBMIT_API_KEY``, else
    ``config.toml``. ``timeout`` is seconds per request. Reads, submissions and cancellations are repeated when the
    network or the server stumbles; a submission always under one Idempotency-Key, so it never becomes two jobs.
    ``told`` hears of each such failure and the pause before the next try.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        profile: str | None = None,
        told: Callable[[QsubmitError, float], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = config.resolve(url=url, api_key=api_key, profile=profile)
        self.url = self.settings.url
        self._connection = Connection(self.url, self.settings.api_key, timeout=timeout)
        self._told, self._sleep = told, sleep

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close idle sockets."""
        self.close()

    def close(self) -> None:
        """Close idle sockets; the client can be used again."""
        self._connection.close()

    def submit(  # noqa: PLR0913  the fields of the API
        self,
        source: str,
        *,
        format: str | None = None,  # noqa: A002  the word of the API
        shots: int = 1000,
        points: Sequence[Mapping[str, float]] = (),
        device: str | None = None,
        prefer: str | None = None,
        kind: str | None = None,
        max_cost: str | Mapping[str, str] | None = None,
        deadline: str | datetime | None = None,
        min_success: float | None = None,
        name: str = "",
        tags: Sequence[str] = (),
        seed: int | None = None,
        options: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> shapes.Job:
        """Send a program. ``source`` is its text; the format is guessed if not named; ``max_cost`` as ``5000KRW``."""
        fields = request_fields(
            source,
            format=format or programs.guess("", source),
            shots=shots,
            points=points,
            device=device,
            prefer=prefer,
            kind=kind,
            max_cost=max_cost,
            deadline=deadline,
            min_success=min_success,
            name=name,
            tags=tags,
            seed=seed,
            options=options,
        )
        return self.send(fields, idempotency_key=idempotency_key or fresh_key())

    def send(self, fields: shapes.RequestFields, *, idempotency_key: str) -> shapes.Job:
        """Send a prepared request; the same key with the same fields is the same job, however often it is sent."""
        headers = {"Idempotency-Key": idempotency_key}
        job: shapes.Job = self._repeat("POST", "/v1/jobs", body=fields, headers=headers)
        return job

    def quote(  # noqa: PLR0913  the fields of the API
        self,
        source: str,
        *,
        format: str | None = None,  # noqa: A002  the word of the API
        shots: int = 1000,
        points: Sequence[Mapping[str, float]] = (),
        device: str | None = None,
        prefer: str | None = None,
        kind: str | None = None,
        max_cost: str | Mapping[str, str] | None = None,
        deadline: str | datetime | None = None,
        min_success: float | None = None,
    ) -> shapes.Quote:
        """What it would cost, when it would start, and who refuses; nothing is held and nothing is sent."""
        fields = request_fields(
            source,
            format=format or programs.guess("", source),
            shots=shots,
            points=points,
            device=device,
            prefer=prefer,
            kind=kind,
            max_cost=max_cost,
            deadline=deadline,
            min_success=min_success,
        )
        return self.ask(fields)

    def ask(self, fields: shapes.RequestFields) -> shapes.Quote:
        """A quote for a prepared request."""
        answer: shapes.Quote = self._repeat("POST", "/v1/quotes", body=fields)
        return answer

    def status(self, job: str) -> shapes.Job:
        """The job as it stands."""
        view: shapes.Job = self._repeat("GET", _job(job))
        return view

    def result(self, job: str) -> shapes.Result:
        """The result in the normal form.

        Raises:
            NotReady: the job has not ended.
        """
        document: shapes.Result = self._repeat("GET", _job(job, "/result"))
        return document

    def decision(self, job: str) -> shapes.Decision:
        """Every offer and refusal of the stored decision."""
        view: shapes.Decision = self._repeat("GET", _job(job, "/decision"))
        return view

    def cancel(self, job: str) -> shapes.Job:
        """Ask for an end; the job is ``cancelled`` once nothing was sent or the vendor agrees."""
        view: shapes.Job = self._repeat("POST", _job(job, "/cancel"))
        return view

    def wait(self, job: str, *, timeout: float | None = None) -> shapes.Job:
        """The job once it has ended, however it ended.

        Raises:
            TimedOut: it still lives after ``timeout`` seconds.
        """
        for _ in self.follow([job], timeout=timeout):
            pass
        return self.status(job)

    def follow(self, jobs: Sequence[str], *, timeout: float | None = None) -> Iterator[shapes.Event | None]:
        """Every move of ``jobs``, past and future, until all have ended; ``None`` now and then while nothing moves."""
        from qsubmit.follow import Follower

        return Follower(self, jobs, timeout=timeout).events()

    def events(self, job: str | None = None, *, after: int | None = None) -> Iterator[shapes.Event]:
        """Moves as they happen, of one job or of all that the caller may see, without end; ``after`` is an event id."""
        from qsubmit.follow import stream

        return stream(self, job=job, after=after)

    def job_events(self, job: str) -> list[shapes.Event]:
        """The moves of one job so far, oldest first."""
        events: list[shapes.Event] = self._repeat("GET", _job(job, "/events"))["events"]
        return events

    def open_stream(self, *, job: str | None, after: int | None, timeout: float) -> HTTPResponse:
        """The raw event stream; ``qsubmit.sse.parse`` reads it."""
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        path = "/v1/events" + (f"?job={escape(job, safe='')}" if job else "")
        return self._connection.stream(path, headers=headers, timeout=timeout)

    def jobs(
        self,
        *,
        state: str | None = None,
        device: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        since: str | None = None,
        limit: int | None = None,
    ) -> Iterator[shapes.Job]:
        """All jobs that match, newest first, page by page as they are read; ``limit`` is the size of a page."""
        asked = {"state": state, "device": device, "name": name, "tag": tag, "since": since, "limit": limit}
        return _every(lambda cursor: self._jobs_page("/v1/jobs", asked | {"cursor": cursor}))

    def page(
        self,
        *,
        state: str | None = None,
        device: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> shapes.JobPage:
        """One page of jobs."""
        asked = {"state": state, "device": device, "name": name, "tag": tag, "since": since, "limit": limit}
        return self._jobs_page("/v1/jobs", asked | {"cursor": cursor})

    def _jobs_page(self, path: str, asked: Mapping[str, str | int | None]) -> shapes.JobPage:
        query = urlencode({field: value for field, value in asked.items() if value is not None})
        page: shapes.JobPage = self._repeat("GET", path + (f"?{query}" if query else ""))
        return page

    def devices(self) -> list[shapes.Device]:
        """All devices known to the hub; ``accessible`` says which the caller may use."""
        devices: list[shapes.Device] = self._repeat("GET", "/v1/devices")["devices"]
        return devices

    def specs(self, device: str) -> shapes.Specs:
        """What a device is made of, as its vendor published it last: topology, gates, labels, figures."""
        found: shapes.Specs = self._repeat("GET", f"/v1/devices/{escape(device)}/specs")
        return found

    def keys(self) -> list[shapes.Key]:
        """The caller's keys, without their secrets."""
        keys: list[shapes.Key] = self._repeat("GET", "/v1/keys")["keys"]
        return keys

    def create_key(self, fields: Mapping[str, Any]) -> shapes.NewKey:
        """A new key; its secret is in this answer and nowhere else. Sent once: a lost answer needs a look at keys()."""
        key: shapes.NewKey = self._once("POST", "/v1/keys", body=dict(fields))
        return key

    def rotate_key(self, key: str) -> shapes.NewKey:
        """A successor with the same rights; the old key works for a day more. Sent once."""
        rotated: shapes.NewKey = self._once("POST", f"/v1/keys/{escape(key, safe='')}/rotate")
        return rotated

    def revoke_key(self, key: str) -> None:
        """Close a key for good."""
        self._repeat("DELETE", f"/v1/keys/{escape(key, safe='')}")

    def attention(self, *, limit: int = 50) -> Iterator[shapes.Job]:
        """Operator: the hub's jobs that only an operator can settle, oldest first, page by page."""
        return _every(lambda cursor: self._jobs_page("/v1/attention", {"limit": limit, "cursor": cursor}))

    def adopt(self, job: str, *, remote_id: str, reason: str) -> shapes.Job:
        """Operator: the vendor has the job, under this id."""
        view: shapes.Job = self._once("POST", _job(job, "/adopt"), body={"remote_id": remote_id, "reason": reason})
        return view

    def release(self, job: str, *, reason: str) -> shapes.Job:
        """Operator: the vendor never got the job."""
        view: shapes.Job = self._once("POST", _job(job, "/release"), body={"reason": reason})
        return view

    def probe(self, path: str, *, welcome: Container[int] = ()) -> Answer:
        """One plain GET without repetition, for diagnosis; statuses in ``welcome`` are no errors."""
        return self._connection.request("GET", path, reuse=False, welcome=welcome)

    def _repeat(self, method: str, path: str, *, body: Json = None, headers: Mapping[str, str] | None = None) -> Json:
        def act() -> Json:
            return self._connection.request(method, path, body=body, headers=headers).document

        # A submission is worth more patience than a look: giving up leaves its fate unknown.
        attempts = ATTEMPTS if headers else READ_ATTEMPTS
        return insist(act, attempts=attempts, sleep=self._sleep, jitter=random.random, told=self._told)

    def _once(self, method: str, path: str, *, body: Json = None) -> Json:
        return self._connection.request(method, path, body=body, reuse=False).document


def _every(read: Callable[[str | None], shapes.JobPage]) -> Iterator[shapes.Job]:
    """The jobs of every page, as they are read."""
    page = read(None)
    yield from page["jobs"]
    while page["next_cursor"] is not None:
        page = read(page["next_cursor"])
        yield from page["jobs"]


def _job(job: str, part: str = "") -> str:
    return f"/v1/jobs/{escape(job, safe='')}{part}"
