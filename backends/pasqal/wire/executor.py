"""What must stand behind Pasqal's interface? An Executor: the sandbox's simulators, or one day the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_PAGE = 100


class Denied(Exception):
    """A request that the executor refuses, in the vendor's words."""

    def __init__(self, code: int, description: str | list[dict[str, Any]]) -> None:
        super().__init__(str(description))
        self.code = code
        self.description = description


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Filters of a listing, empty where not given; times are Unix seconds."""

    ids: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    device_types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    tag: str | None = None
    open: bool | None = None
    errors: bool | None = None
    min_runs: int | None = None
    max_runs: int | None = None
    start: float | None = None
    end: float | None = None
    ascending: bool = False
    offset: int = 0
    limit: int = MAX_PAGE


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of documents out of ``total``."""

    items: Sequence[Mapping[str, Any]]
    total: int


class Executor(Protocol):
    """What stands behind the interface. Documents are the vendor's JSON; ``Denied`` refuses; calls may block."""

    def login(self, form: Mapping[str, str]) -> Mapping[str, Any]: ...
    def admit(self, bearer: str) -> str:
        """The user of a token, or ``Denied(401)``."""

    def projects(self, user: str) -> Sequence[Mapping[str, Any]]: ...
    def specs(self) -> Mapping[str, str]: ...
    def create(self, user: str, body: Mapping[str, Any]) -> Mapping[str, Any]: ...
    def read(self, batch_id: str) -> Mapping[str, Any]: ...
    def batches(self, query: Query) -> Page: ...
    def add_jobs(self, batch_id: str, jobs: Sequence[Any]) -> Mapping[str, Any]: ...
    def close(self, batch_id: str) -> Mapping[str, Any]: ...
    def cancel(self, batch_id: str) -> Mapping[str, Any]: ...
    def cancel_jobs(self, batch_id: str, query: Query) -> Mapping[str, Any]: ...
    def tag(self, batch_id: str, tags: Sequence[str]) -> Mapping[str, Any]: ...
    def rebatch(self, user: str, batch_id: str, query: Query) -> Mapping[str, Any]: ...
    def jobs(self, query: Query) -> Page: ...
    def read_job(self, job_id: str) -> Mapping[str, Any]: ...
    def cancel_job(self, job_id: str) -> Mapping[str, Any]: ...
    def result_path(self, job_id: str) -> str | None:
        """Path and query of a presigned address on this server, or None before there is a result."""

    def result(self, job_id: str, signature: str) -> str:
        """The result document's text; only the signature opens it."""
