"""How does the sandbox answer Pasqal's interface? An Executor over its store; children do the work later."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from backends.pasqal.devices import EMULATORS, QPUS
from backends.pasqal.sandbox import admission
from backends.pasqal.sandbox.batches import BatchRow, batch_document, batch_word, job_document
from backends.pasqal.sandbox.billing import bill, token_of
from backends.pasqal.sandbox.selection import job_passes, row_passes
from backends.pasqal.wire.executor import Denied, Page, Query
from backends.sandboxing.clock import now as vendor_now
from backends.sandboxing.ledger import Entry
from backends.sandboxing.tasks import ENDED, LIVE, State, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from backends.pasqal.sandbox.accounts import Accounts
    from backends.pasqal.sandbox.admission import Wanted
    from backends.pasqal.sandbox.batches import Batches
    from backends.pasqal.sandbox.machines import Machines
    from backends.sandboxing.database import Database
    from backends.sandboxing.knobs import Knobs
    from backends.sandboxing.ledger import Ledger
    from backends.sandboxing.tasks import Tasks

PROJECT = "00000000-0000-4000-8000-000000000001"
OFFERED = (*QPUS, *EMULATORS)
IDLE_S = 3600.0
_EMBEDDED_JOBS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Everything the interface asks for. ``ring`` tells the runner that something may be due."""

    database: Database
    tasks: Tasks
    batches_kept: Batches
    ledger: Ledger
    knobs: Knobs
    accounts: Accounts
    machines: Machines
    ring: Callable[[], None]

    def login(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        return self.accounts.grant(form)

    def admit(self, bearer: str) -> str:
        return self.accounts.user_of(bearer)

    def projects(self, user: str) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002  one project for everybody
        """One project. A machine that is off keeps its place here; an emulator, or what is retired, has lost it."""
        setting = self.knobs.now
        gone = {*setting.retired, *(one for one in setting.offline if one in EMULATORS)}
        allowed = [one for one in OFFERED if one not in gone]
        return [
            {
                "id": PROJECT,
                "name": "Sandbox",
                "status": "ACTIVE",
                "allowed_device_types": allowed,
                "queue_priority": "MEDIUM",
            }
        ]

    def specs(self) -> Mapping[str, str]:
        off = {*self.knobs.now.offline, *self.knobs.now.retired}
        return {name: spec for name, spec in self.machines.specs().items() if name not in off}

    def create(self, user: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Accept a batch: its row, its jobs and the ledger's row in one transaction."""
        row = self._row(user, body)
        wanted = self._wanted(body.get("jobs"), row)
        if not wanted and not row.open:
            raise Denied(422, "a closed batch needs jobs")
        return self._accept(row, wanted)

    def read(self, batch_id: str) -> Mapping[str, Any]:
        return self._document(*self._known(batch_id))

    def batches(self, query: Query) -> Page:
        """Newest first, without jobs and sequences."""
        rows = self.batches_kept.some(query.ids) if query.ids else self.batches_kept.all()
        shown = [self._listed(row) for row in rows if row_passes(row, query)]
        found = [one for one in shown if not query.statuses or one["status"] in query.statuses]
        return Page(items=found[query.offset : query.offset + query.limit], total=len(found))

    def add_jobs(self, batch_id: str, jobs: Sequence[Any]) -> Mapping[str, Any]:
        row, _ = self._known(batch_id)
        if not row.open:
            raise Denied(400, "The batch is closed and takes no more jobs")
        wanted = self._wanted(list(jobs), row)
        with self.database.write():
            self._enter(row, wanted, kind="add")
            self.batches_kept.change(row)
        self.ring()
        return self.read(batch_id)

    def close(self, batch_id: str) -> Mapping[str, Any]:
        row, _ = self._known(batch_id)
        if not row.open:
            raise Denied(400, "The batch is already closed")
        self._shut(replace(row, open=False))
        return self.read(batch_id)

    def cancel(self, batch_id: str) -> Mapping[str, Any]:
        """Cancel all that has not ended; a batch that is over refuses."""
        row, jobs = self._known(batch_id)
        live = [job for job in jobs if job.state in LIVE]
        if not live and not row.open:
            raise Denied(400, f"The batch is {batch_word(row, jobs)} and cannot be cancelled")
        with self.database.write():
            self._shut(replace(row, open=False, cancelled=True))
            for job in live:
                self.tasks.move(job.id, State.CANCELLED, of=LIVE)
        self.ring()
        return self.read(batch_id)

    def cancel_jobs(self, batch_id: str, query: Query) -> Mapping[str, Any]:
        _, jobs = self._known(batch_id)
        cancelled, errors = [], {}
        for job in (one for one in jobs if job_passes(one, query)):
            try:
                cancelled.append(self.cancel_job(job.id))
            except Denied as denied:
                errors[job.id] = str(denied.description)
        return {"jobs": cancelled, "errors": errors}

    def tag(self, batch_id: str, tags: Sequence[str]) -> Mapping[str, Any]:
        row, _ = self._known(batch_id)
        self.batches_kept.change(replace(row, tags=admission.tags_of({"tags": list(tags)})))
        return self.read(batch_id)

    def rebatch(self, user: str, batch_id: str, query: Query) -> Mapping[str, Any]:
        """A new batch of the jobs that pass."""
        row, jobs = self._known(batch_id)
        again = [
            admission.Wanted(**{name: job.request[name] for name in ("runs", "variables", "sequence")})
            for job in jobs
            if job_passes(job, query)
        ]
        if not again:
            raise Denied(400, "No job matches")
        fresh = replace(row, id=str(uuid4()), user=user, parent=row.id, open=False)
        return self._accept(replace(fresh, cancelled=False, timed_out=False), again)

    def jobs(self, query: Query) -> Page:
        """Newest first, or in order of creation when asked."""
        rows = {row.id: row for row in self.batches_kept.all()}
        found = [
            job
            for job in self.tasks.select()
            if job.family in rows and (not query.batches or job.family in query.batches) and job_passes(job, query)
        ]
        ordered = found if query.ascending else found[::-1]
        page = ordered[query.offset : query.offset + query.limit]
        word = self.knobs.now.status_word
        return Page(items=[job_document(rows[job.family], job, word=word) for job in page], total=len(found))

    def read_job(self, job_id: str) -> Mapping[str, Any]:
        job = self._job(job_id)
        row, _ = self._known(job.family)
        return job_document(row, job, word=self.knobs.now.status_word)

    def cancel_job(self, job_id: str) -> Mapping[str, Any]:
        job = self._job(job_id)
        if self.tasks.move(job.id, State.CANCELLED, of=LIVE) is None:
            raise Denied(400, "The job has ended and cannot be cancelled")
        self.ring()
        return self.read_job(job_id)

    def result_path(self, job_id: str) -> str | None:
        job = self._job(job_id)
        return f"/results/{job.id}?signature={self.accounts.sign(job.id)}" if job.result else None

    def result(self, job_id: str, signature: str) -> str:
        if not hmac.compare_digest(signature, self.accounts.sign(job_id)):
            raise Denied(403, "The address is not signed by us")
        return self._job(job_id).result or "{}"

    def _row(self, user: str, body: Mapping[str, Any]) -> BatchRow:
        setting = self.knobs.now
        device_type = admission.device_type_of(body, OFFERED)
        if device_type in setting.retired:
            raise Denied(422, f"Device {device_type} has been retired")
        if device_type in setting.offline:
            raise Denied(422, f"Device {device_type} is not available at the moment")
        if setting.insufficient_credit:
            raise Denied(402, "Insufficient credit for this batch")
        return BatchRow(
            id=str(uuid4()),
            user=user,
            project=str(body.get("project_id") or PROJECT),
            device_type=device_type,
            tags=admission.tags_of(body),
            open=bool(body.get("open")),
            sequence=body.get("sequence_builder"),
            configuration=body.get("backend_configuration"),
            webhook=body.get("webhook"),
        )

    def _wanted(self, jobs: object, row: BatchRow) -> list[Wanted]:
        admitted = admission.Admission(device_type=row.device_type, spec_of=self.machines.spec_of)
        return admitted.jobs(jobs, shared=row.sequence)

    def _accept(self, row: BatchRow, wanted: Sequence[Wanted]) -> Mapping[str, Any]:
        with self.database.write():
            row = self.batches_kept.add(row)
            self._enter(row, wanted, kind="create")
        self.ring()
        return self.read(row.id)

    def _enter(self, row: BatchRow, wanted: Sequence[Wanted], *, kind: str) -> None:
        jobs = [
            Task(
                id=str(uuid4()),
                device=row.device_type,
                token=token_of(row),
                family=row.id,
                shots=one.runs or 0,
                request=one.document(),
                notes={},
            )
            for one in wanted
        ]
        entry = Entry(
            kind=kind,
            task=row.id,
            token=token_of(row),
            device=row.device_type,
            shots=sum(job.shots for job in jobs),
            request=str(uuid4()),
            note=f"{len(jobs)} jobs",
        )
        self.tasks.accept(jobs, [entry])

    def _shut(self, row: BatchRow) -> None:
        """Close a batch; when nothing of it is left to do, this is its end and its bill."""
        with self.database.write():
            self.batches_kept.change(row)
            entry = bill(row, self.tasks.family(row.id))
            if entry is not None:
                self.ledger.book(entry)

    def _known(self, batch_id: str) -> tuple[BatchRow, list[Task]]:
        row = self.batches_kept.get(batch_id)
        if row is None:
            raise Denied(404, f"Batch {batch_id} not found")
        jobs = self.tasks.family(batch_id)
        last = max([row.updated_at, *(job.ended_at or 0.0 for job in jobs)])
        if row.open and all(job.state in ENDED for job in jobs) and vendor_now() > last + IDLE_S:
            row = replace(row, open=False, timed_out=True)
            self._shut(row)
        return row, jobs

    def _job(self, job_id: str) -> Task:
        job = self.tasks.get(job_id)
        if job is None:
            raise Denied(404, f"Job {job_id} not found")
        return job

    def _listed(self, row: BatchRow) -> dict[str, Any]:
        row, jobs = self._known(row.id)
        return batch_document(row, jobs, word=self.knobs.now.status_word)

    def _document(self, row: BatchRow, jobs: Sequence[Task]) -> dict[str, Any]:
        """With its sequence, and its jobs as long as they fit one page."""
        word = self.knobs.now.status_word
        told = batch_document(row, jobs, word=word)
        told |= {"sequence_builder": row.sequence, "backend_configuration": row.configuration}
        if len(jobs) <= _EMBEDDED_JOBS:
            told["jobs"] = [job_document(row, job, word=word) for job in jobs]
        return told
