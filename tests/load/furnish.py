"""What is there before the load? Ten organisations with 200 members, a long past, and one very large result.

A program of its own, run by the checkout that is measured: ``python furnish.py URL DIRECTORY JOBS BYTES`` prints JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import yaml

from broker.domain.ids import uuid7
from broker.domain.lifecycle import JobState
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from broker.queue import doorbell
from broker.services import seed
from broker.services.keys import Keys
from broker.store import tables
from broker.store.bulk import insert_rows
from broker.store.engine import open_engine
from broker.store.requirement_text import dump_requirement
from broker.store.rows import job_row, micros
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from tests.support.gateway import BELL, PEPPER, SEEDS, furnish
from tests.support.jobs import job

ORGANISATIONS, MEMBERS = 10, 20
SCOPES = ("devices:read", "jobs:read", "jobs:write", "quotes")
MOVES = (None, "accepted", "queued", "submitting", "submitted", "running", "fetching", "succeeded")


def main(url: str, directory: Path, jobs: int, size: int) -> dict[str, object]:
    engine = open_engine(url)
    upgrade(engine)
    store = Store(engine, doorbell(""))
    furnish(store)
    seed.load(store, seeds(directory))
    members = [
        seed.seed_id("member", "daejeon", f"org{o}", "lab", f"m{o}-{m}")
        for o in range(ORGANISATIONS)
        for m in range(MEMBERS)
    ]
    keys, now = Keys(store, PEPPER.encode()), datetime.now(UTC)
    with store.write() as work:
        made = [
            keys.create(work, member=member, name="load", scopes=SCOPES, at=now, expires_at=None, by="load")[1]
            for member in members
        ]
        first = work.people.member(members[0])
    program = Program.of(Format.OPENQASM2, BELL)
    with store.write() as work:
        work.archive.keep_programs([(program, json.dumps(dump_requirement(inspect(program))))])
    old = job(
        hub=first.hub, organisation=first.organisation, project=first.project, member=first.id, program=program.sha256,
        state=JobState.SUCCEEDED, due_at=None, device="local/aer", backend="local",
    )  # fmt: skip
    ids = [uuid7(now - timedelta(days=1), number.to_bytes(10, "big")) for number in range(max(1, jobs))]
    for start in range(0, len(ids), 5000):
        past(store, old, ids[start : start + 5000], now)
    big = ids[0]
    body = '{"counts":{"0":1},"filler":"' + "a" * size + '"}'
    with store.write() as work:
        work.archive.keep_results([(big, "0" * 64, body)], now)
    engine.dispose()
    return {"keys": made, "big": big}


def past(store: Store, old, ids: list[str], now: datetime) -> None:
    """Jobs of the first organisation that ended yesterday."""
    with store.write() as work:
        insert_rows(work.connection, tables.jobs, [job_row(replace(old, id=each)) for each in ids])
        moves = [
            {"job_id": each, "organisation_id": old.organisation, "backend": "local", "before": before, "after": after,
             "at": micros(now), "reason": ""}
            for each in ids
            for before, after in pairwise(MOVES)
        ]  # fmt: skip
        insert_rows(work.connection, tables.events, moves)


def seeds(directory: Path) -> Path:
    """Seed files with our organisations."""
    directory.mkdir()
    for file in SEEDS.glob("*.yaml"):
        (directory / file.name).write_text(file.read_text())
    organisations = yaml.safe_load((directory / "organisations.yaml").read_text())
    model = organisations["organisations"][0]
    for o in range(ORGANISATIONS):
        members = [{"name": f"m{o}-{m}", "role": "member", "shares": 1} for m in range(MEMBERS)]
        project = model["projects"][0] | {"slug": "lab", "name": "Lab", "members": members}
        organisations["organisations"].append(
            model | {"hub": "daejeon", "slug": f"org{o}", "name": f"Org {o}", "projects": [project]}
        )
    (directory / "organisations.yaml").write_text(yaml.safe_dump(organisations))
    return directory


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
