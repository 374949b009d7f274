"""What can be asked of Pasqal? The SDK's calls that the adapter uses, with every error of theirs made one of ours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from pasqal_cloud import errors
from pasqal_cloud.authentication import TokenProviderError
from pasqal_cloud.backends import RemoteEmuFreeBackend, RemoteMPSBackend, RemoteSVBackend
from pasqal_cloud.utils.filters import BatchFilters, PaginationParams
from pydantic import ValidationError

from backends import storable
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized
from backends.exchange import Reply
from backends.pasqal.answers import creation_error, reading_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pasqal_cloud.batch import Batch
    from pasqal_cloud.device import DeviceTypeName
    from pasqal_cloud.job import CreateJob, Job
    from pasqal_cloud.pasqal_cloud_client import PasqalCloudClient

    from backends.pasqal.draft import Draft, DraftJob

PAGE = 100
_FETCH_LANES = 8
_EMULATORS = {"EMU_FREE": RemoteEmuFreeBackend, "EMU_MPS": RemoteMPSBackend, "EMU_SV": RemoteSVBackend}
# Almost all of the SDK's errors derive from BaseException: an "except Exception" lets them end the worker.
SDK_ERRORS: tuple[type[BaseException], ...] = (
    TokenProviderError,
    *(
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, BaseException) and one.__module__ == errors.__name__
    ),
)
_UNSENT = (
    errors.InvalidDeviceTypeSet,
    errors.JobSequenceVariablesConflict,
    errors.MissingAllJobSequence,
    errors.MissingJobSequence,
    errors.OnlyCompleteOrOpenCanBeSet,
    errors.ProjectNotFoundError,
)
_MISREAD = (ValidationError, AttributeError, KeyError, TypeError, ValueError)


def default_configuration(device_type: str) -> str | None:
    """What the SDK's own backend class sends for this emulator; None for a QPU."""
    backend = _EMULATORS.get(device_type)
    return backend.default_config.to_abstract_repr() if backend else None


class Cloud:
    """The SDK's client, used. All errors are those of backends/errors.py."""

    def __init__(self, client: PasqalCloudClient) -> None:
        self._client = client

    def create(self, draft: Draft) -> str:
        """One create on the wire; the new batch's id."""
        with _speaking(creating=True):
            batch = self._client.create_batch(
                serialized_sequence=draft.sequence,
                jobs=[_job(job) for job in draft.jobs],
                device_type=cast("DeviceTypeName", draft.device_type),
                backend_configuration=draft.configuration,
                open=draft.open,
                tags=list(draft.tags),
            )
            return _id_of(batch)

    def add_jobs(self, batch_id: str, jobs: Sequence[DraftJob]) -> tuple[str, ...]:
        """Append to an open batch: one request, never repeated. The ids of all its jobs, in order."""
        with _speaking(creating=True):
            batch = self._client.add_jobs(batch_id, [_job(job) for job in jobs])
        with _speaking():
            return tuple(job.id for job in batch.ordered_jobs)

    def close(self, batch_id: str) -> None:
        """An open batch takes no more jobs, and ends when those it has are done."""
        with _speaking():
            self._client.close_batch(batch_id)

    def cancel(self, batch_id: str) -> None:
        with _speaking():
            self._client.cancel_batch(batch_id)

    def batch(self, batch_id: str) -> Batch:
        with _speaking():
            return self._client.get_batch(batch_id)

    def batches(self, filters: BatchFilters) -> Iterator[Batch]:
        """Every batch that passes, newest first, whatever the number of pages."""
        offset, total = 0, 1
        while offset < total:
            with _speaking():
                page = self._client.get_batches(filters, PaginationParams(offset=offset, limit=PAGE))
            yield from page.results
            if not page.results:
                return
            total = page.total
            offset += len(page.results)

    def by_tag(self, tag: str) -> Iterator[Batch]:
        """Every batch that bears exactly this tag."""
        return self.batches(BatchFilters(tag=tag))

    def by_ids(self, ids: Sequence[str]) -> Iterator[Batch]:
        """The batches of these ids (UUIDs) that the vendor knows."""
        for start in range(0, len(ids), PAGE):
            yield from self.batches(BatchFilters(id=list(ids[start : start + PAGE])))

    def results(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Each job's result document, in the order of ``jobs``."""

        def result(job: Job) -> dict[str, Any]:
            with _speaking():
                found = job.full_result
            if found is None:
                raise Busy(f"job {job.id} has no result yet")
            return dict(found)

        with ThreadPoolExecutor(min(_FETCH_LANES, max(len(jobs), 1))) as lanes:
            return list(lanes.map(result, jobs))

    def specs(self) -> dict[str, str]:
        """Device name → Pulser device in its abstract representation."""
        with _speaking():
            return self._client.get_device_specs_dict()

    def allowed_types(self) -> frozenset[str] | None:
        """The device types that our project may use, or None where the vendor does not say."""
        with _speaking():
            projects = self._client.get_all_projects()
        mine = [project for project in projects if project.id == self._client.project_id]
        allowed = (mine[0].model_extra or {}).get("allowed_device_types") if mine else None
        return frozenset(map(str, allowed)) if isinstance(allowed, list) else None


def _job(job: DraftJob) -> CreateJob:
    made: CreateJob = {"runs": job.runs}
    if job.variables:
        made["variables"] = dict(job.variables)
    if job.sequence is not None:
        made["serialized_sequence"] = job.sequence
    return made


def _id_of(batch: Batch) -> str:
    if storable.remote_id(batch.id) is None:
        raise ValueError("the new batch has no id")
    return batch.id


@contextmanager
def _speaking(*, creating: bool = False) -> Iterator[None]:
    """Let only our errors out. What cannot be read after a create leaves its outcome unknown."""
    try:
        yield
    except BackendError:
        raise
    except SDK_ERRORS as error:
        raise translated(error, creating=creating) from None
    except _MISREAD as error:
        # The validation's text may hold the vendor's whole body; its type says enough.
        trouble = f"pasqal's answer is not as documented: {type(error).__name__}"
        raise (OutcomeUnknown(trouble) if creating else Busy(trouble)) from None


def translated(error: BaseException, *, creating: bool) -> BackendError:
    """Our error for one of the SDK's own."""
    name = type(error).__name__
    if isinstance(error, _UNSENT):
        return Refused(f"pasqal's client refuses: {error}", code="program_invalid")
    if isinstance(error, TokenProviderError):
        return Unauthorized(f"pasqal refuses our login: {name}")
    response = getattr(error.__cause__, "response", None)
    if response is not None:
        return _from_response(response, creating=creating)
    return OutcomeUnknown(name) if creating else Busy(name)


def _from_response(response: Any, *, creating: bool) -> BackendError:  # noqa: ANN401  requests' Response, duck-typed
    reply = Reply.of(response.status_code, response.content, response.headers.get("Retry-After"))
    return creation_error(reply) if creating else reading_error(reply)
