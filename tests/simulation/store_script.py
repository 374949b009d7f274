"""Which operations do the fake and the real store run side by side? One transaction per step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from broker.domain.attempt import Attempt, AttemptEnd
from broker.domain.budget import Entry, hold_entries
from broker.domain.device import Kind
from broker.domain.host import Here, Host
from broker.domain.ids import attempt_id
from broker.domain.lifecycle import JobState, advance
from broker.domain.money import Money
from broker.domain.price import Usage
from broker.domain.recovery import Recovery
from broker.store.jobs import StaleFence
from tests.simulation.scenery import MEMBER, PROGRAM, START, device_of
from tests.support.jobs import job as made

NAMES = ("01920000-0000-7000-8000-00000000000a", "01920000-0000-7000-8000-00000000000b",
         "01920000-0000-7000-8000-00000000000c")  # fmt: skip
DEVICE = device_of(Recovery.TAG, 2, Kind.QPU)
HELD = Money(currency="KRW", micros=1_000)
LATER = [START + timedelta(seconds=seconds) for seconds in range(200)]


class Silent:
    def ring(self, backend, job=None):
        pass


def jobs_of_the_script():
    return [
        made(
            id=name, hub="hub", organisation="kaist", project="project", member="member", device=DEVICE.name,
            backend=DEVICE.backend, program=PROGRAM.sha256, held=HELD, quoted=HELD, budgets=MEMBER.budgets,
            idempotency_key=f"key-{number}", created_at=START, updated_at=START, due_at=LATER[number],
            price=DEVICE.price.id, points=({"a": 1.5},), options={"o": "1"}, tags=("t",),
            deadline=LATER[50] if number == 2 else None,
        )
        for number, name in enumerate(NAMES)
    ]  # fmt: skip


def attempt_of(job, **values):
    known = Attempt(
        id=attempt_id(job.id, 1), job=job.id, number=1, device=job.device, backend=job.backend, token="token",
        intent_at=START, fence=1,
    )  # fmt: skip
    return replace(known, **values)


def leased(job, at, **values):
    return replace(job, lease_owner="me", lease_until=LATER[at], fence=job.fence + 1, **values)


# Each step is one transaction; what it returns, or the class of what it raises, must be the same on both stores.


def admit(work):
    new = jobs_of_the_script()
    found = work.ledger.budgets(MEMBER.budgets, lock=True)
    work.jobs.add(new)
    work.ledger.adjust(dict.fromkeys(MEMBER.budgets, (3_000, 0)))
    work.ledger.post([entry for job in new for entry in hold_entries(job)], START)
    work.archive.keep_programs([(PROGRAM, "{}")])
    work.archive.keep_programs([(PROGRAM, "other")])
    work.acted({"act": "admit"}, START)
    return found, work.jobs.by_keys([("project", "key-1"), ("project", "none")])


def admit_twice(work):
    work.jobs.add([replace(jobs_of_the_script()[0], id="01920000-0000-7000-8000-00000000000d")])


def what_is_due(work):
    at = LATER[1]
    return (
        work.jobs.next_due(["pasqal"]), work.jobs.next_due(["pasqal"], sent=True), work.jobs.next_due(["other"]),
        work.jobs.queued_devices(["pasqal"], at), work.jobs.first_in_line(DEVICE.name, at),
        work.jobs.next_in_line(DEVICE.name, NAMES[:1], at, 5), work.jobs.take(NAMES[:2], at),
        work.jobs.past_deadline(["pasqal"], LATER[60], 5),
        work.jobs.due(["pasqal"], at, 5), work.jobs.in_flight([DEVICE.name], at),
    )  # fmt: skip


def begin(work):
    job = work.jobs.get(NAMES[0])
    moved, event = advance(leased(job, 90, attempt=1), JobState.SUBMITTING, at=LATER[2], reason="attempt 1")
    work.jobs.save([moved], seen={job.id: 0})
    work.attempts.add([attempt_of(job)])
    work.moved(moved, event)
    work.ledger.put_decayed_spend({"member": 5}, LATER[2])
    work.ledger.amend_decayed_spend({"member": 4, "nobody": 1})
    return work.ledger.decayed_spend(["member", "nobody"], lock=True)


def save_stale(work):
    one, two = work.jobs.get(NAMES[0]), work.jobs.get(NAMES[1])
    work.jobs.save([replace(one, name="changed", fence=0), replace(two, updated_at=LATER[9])])


def stale_ids(work):
    try:
        save_stale(work)
    except StaleFence as stale:
        return stale.ids
    return None


def cancel(work):
    work.jobs.request_cancel(NAMES[0])
    return work.jobs.locked(NAMES[0]), work.jobs.locked("nobody")


def save_unaware(work):
    job = work.jobs.get(NAMES[0])
    unaware = replace(job, cancel_requested=False, due_at=LATER[100], updated_at=LATER[3], run_ms=7)
    work.jobs.save([unaware])
    aware = work.jobs.get(NAMES[0])
    work.jobs.save([replace(work.jobs.get(NAMES[1]), cancel_requested=True, due_at=LATER[8])])
    return aware, work.jobs.get(NAMES[1])


def look_at_due(work):
    return (
        work.jobs.due(["pasqal"], LATER[5], 9), work.jobs.due(["pasqal"], LATER[95], 9),
        work.jobs.due(["pasqal"], LATER[95], 0), work.jobs.in_flight([DEVICE.name], LATER[95]),
        work.jobs.due(["pasqal"], LATER[5], 9, only=[NAMES[0]]), work.attempts.unresolved("pasqal"),
        disturbed(work, LATER[5]),
    )  # fmt: skip


def disturbed(work, at):
    """What a look just before sending shows: of those as they stand, and of one that was claimed before."""
    stored = [work.jobs.get(name) for name in NAMES]
    before = [replace(stored[0], lease_until=LATER[1], fence=0)]
    return work.jobs.disturbed(stored, at), work.jobs.disturbed(before, at), work.jobs.disturbed([], at)


def witness(work):
    job = work.jobs.get(NAMES[0])
    work.attempts.witness([attempt_of(job, remote_id="remote-1")])
    work.attempts.witness([attempt_of(job, remote_id="remote-2")])
    work.attempts.save([attempt_of(job, word="W", absences=1, absent_at=LATER[4], token="never saved")])
    return (
        work.attempts.latest([NAMES[0], NAMES[1]]), work.attempts.of(NAMES[0]),
        work.attempts.known("pasqal", ["remote-1", "remote-2"]), work.attempts.disowned("pasqal"),
        work.attempts.unresolved("pasqal"), work.attempts.abandoned("pasqal", 9),
    )  # fmt: skip


def give_up(work):
    job = work.jobs.get(NAMES[0])
    said = Usage(tasks=2, shots=3, run_ms=4)
    work.attempts.save([attempt_of(job, end=AttemptEnd.ABSENT, detail="gone", usage=said, unwanted_at=LATER[3])])
    second = attempt_of(job, id=attempt_id(job.id, 2), number=2, intent_at=LATER[3], end=AttemptEnd.REFUSED)
    third = replace(second, id=attempt_id(job.id, 3), number=3, intent_at=LATER[4])
    work.attempts.add([second, third])
    return (
        work.attempts.of(NAMES[0]), work.attempts.known("pasqal", ["remote-1"]), work.attempts.disowned("pasqal"),
        work.attempts.abandoned("pasqal", 9), work.attempts.abandoned("pasqal", 1),
        work.attempts.left("pasqal", "remote-1"), work.attempts.left("other", "remote-1"),
    )  # fmt: skip


def settle(work):
    job = work.jobs.get(NAMES[1])
    nothing = replace(HELD, micros=0)
    work.jobs.save([replace(job, held=nothing, charged=HELD, due_at=None, updated_at=LATER[6])])
    work.ledger.adjust(dict.fromkeys(MEMBER.budgets, (-1_000, 1_000)))
    work.archive.keep_results([(job.id, "hash", "body")], LATER[6])
    work.archive.keep_results([(job.id, "hash-2", "body-2")], LATER[6])
    work.ledger.post([Entry(account="a", currency="KRW", micros=5, kind="x")], LATER[6])
    return work.archive.result(job.id), work.archive.result("nobody"), work.ledger.sums(), work.ledger.balances()


def overspend(work):
    work.ledger.adjust({"project:project": (10**15, 0)})


def hold_less_than_nothing(work):
    work.ledger.adjust({"member:member": (-(10**15), 0)})


def lease(work):
    length = timedelta(seconds=10)
    takes = [("me", 0), ("you", 5), ("me", 6), ("you", 17)]
    taken = [work.leases.take("loop", owner, LATER[at], length) for owner, at in takes]
    work.leases.succeed("loop", LATER[20])
    return taken, work.leases.successes()


def others(work):
    work.catalogue.pause("pasqal", "because", START, LATER[9])
    return (
        work.people.may_resubmit(("project", "nobody")), work.catalogue.price(DEVICE.price.id),
        work.people.access("nowhere"), [each.pattern for each in work.people.access("hub").agreements],
        work.catalogue.prices(START), work.catalogue.prices(START - timedelta(1)),
        work.catalogue.price("none"), work.catalogue.device(DEVICE.name), work.catalogue.pauses(LATER[5]),
        work.catalogue.pauses(LATER[10]), work.archive.programs([PROGRAM.sha256, "none"]),
        work.jobs.queued_devices(["pasqal"], LATER[8]), work.jobs.queued_devices(["pasqal"], LATER[9]),
        disturbed(work, LATER[8]), disturbed(work, LATER[9]),
    )  # fmt: skip


def stray(work):
    named = [work.orphans.note("pasqal", name, device, START) for name, device in (("a", DEVICE.name), ("b", None))]
    again = work.orphans.note("pasqal", "a", None, LATER[1])
    before = work.orphans.noted("pasqal", settled=False), work.orphans.noted("pasqal", settled=True)
    settled = [work.orphans.settle("pasqal", name, cost) for name, cost in (("a", HELD), ("a", None), ("c", HELD))]
    old = [work.orphans.unbooked_since(vendor, at) for vendor, at in (("pasqal", START), ("other", START))]
    older = work.orphans.unbooked_since("pasqal", START - timedelta(seconds=1))
    known = [work.orphans.among(vendor, ["a", "c"]) for vendor in ("pasqal", "other")]
    return named, again, before, settled, work.orphans.noted("other", settled=False), old, older, known


def stray_later(work):
    known = work.orphans.noted("pasqal", settled=False), work.orphans.noted("pasqal", settled=True)
    return known, work.orphans.settle("pasqal", "b", None), work.orphans.noted("pasqal", settled=True)


def history(work):
    return work.events.of([NAMES[0]]), work.events.last(), work.audit.broken_at(), work.jobs.get(NAMES[2])


def hosts(work):
    """Whose runs a look takes: its own host's, a dead host's, and those of no host."""
    for number, name in enumerate(("one", "two", "one")):
        work.hosts.beat(host_of(name, LATER[10 * number]))
    work.hosts.beat(host_of("one", LATER[3]))
    bound = [replace(work.jobs.get(name), host=host, due_at=LATER[30]) for name, host in BOUND]
    work.jobs.save(bound)
    looks = [Here(host=name, heard=LATER[heard]) for name in ("one", "two", None) for heard in (5, 15, 25)]
    return (
        work.hosts.known(), work.hosts.living(LATER[10]), work.hosts.last_beat("two"), work.hosts.last_beat("none"),
        [work.jobs.due(["pasqal"], LATER[95], 9, here=look) for look in (*looks, None)],
        [work.jobs.next_due(["pasqal"], sent=True, here=look) for look in (*looks, None)],
        [work.jobs.in_flight([DEVICE.name], LATER[95], here=look) for look in (*looks, None)],
    )  # fmt: skip


def host_of(name, at):
    return Host(
        id=name, machine=name, boot="boot", version="1", joined_at=at, beat_at=at, cores=4, free_cores=3,
        memory_bytes=1 << 33, free_memory_bytes=1 << 32, devices=(DEVICE,),
    )  # fmt: skip


BOUND = ((NAMES[0], "two"),)


STEPS = (
    admit, admit_twice, what_is_due, begin, what_is_due, save_stale, stale_ids, cancel, save_unaware, look_at_due,
    witness, give_up, settle, overspend, hold_less_than_nothing, lease, others, stray, stray_later,
    history, what_is_due, hosts,
)  # fmt: skip
