"""Does a key ever give anyone more than the key that made it: in scope, in money or in time?"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import event, update

from broker.domain.budget import first_short
from broker.domain.errors import Forbidden, NotFound, QsubmitError, RequestInvalid, Unauthenticated
from broker.domain.keychain import LONGEST_LINE
from broker.domain.money import Money
from broker.domain.scopes import SCOPES_OF, Role
from broker.services.issue import OVERLAP, Issuer, Wish
from broker.services.keys import CACHED, KEPT, Keys
from broker.store import tables
from tests.support.gateway import NOW, PEPPER, Clock, furnish, member_id

LEAD = sorted(SCOPES_OF[Role.LEAD])
HOUR = timedelta(hours=1)


def won(amount):
    return Money(currency="KRW", micros=amount * 1_000_000)


class Desk:
    """Keys and their issuer over a store with the small hubs, and a first key of a lead that no key made."""

    def __init__(self, store, clock=None):
        self.store, self.clock = store, clock or Clock()
        self.keys = Keys(store, PEPPER.encode())
        self.issuer = Issuer(store, self.keys, self.clock)
        self.first = self.root()

    def root(self, name="ada", scopes=LEAD, expires_at=None):
        with self.store.write() as work:
            return self.keys.create(
                work, member=member_id(name), name="first", scopes=scopes, at=self.clock(), expires_at=expires_at,
                by="test",
            )  # fmt: skip

    def member(self, secret):
        return self.keys.known(secret, self.clock()) or self.keys.member(secret, self.clock())

    def works(self, secret):
        try:
            return self.member(secret) is not None
        except Unauthenticated:
            return False

    def mint(self, secret, **wish):
        return self.issuer.mint(self.member(secret), Wish(**wish))

    def rotate(self, secret, key):
        return self.issuer.rotate(self.member(secret), key)

    def revoke(self, secret, key):
        self.issuer.revoke(self.member(secret), key)

    def spend(self, secret, amount):
        """Hold money as admission does; whether there was enough."""
        chain = self.member(secret).budgets
        with self.store.write() as work:
            budgets = work.ledger.budgets(chain, lock=True)
            if first_short([budgets[name] for name in chain], won(amount)):
                return False
            work.ledger.adjust({name: (won(amount).micros, 0) for name in chain})
        return True


@pytest.fixture
def desk(store):
    furnish(store)
    return Desk(store)


@dataclass(eq=False)
class Held:
    """A secret that somebody has, with the most that it may ever do."""

    id: str
    secret: str
    scopes: frozenset[str]
    until: object
    purses: tuple[list[int], ...]  # [limit, spent] of every maker's limit
    maker: Held | None
    revoked: bool = False
    heirs: list[Held] = field(default_factory=list)

    def alive(self, now):
        mine = not self.revoked and (self.until is None or now < self.until)
        return mine and (self.maker is None or self.maker.alive(now))


class Line(RuleBasedStateMachine):
    """Any sequence of mint, rotate, revoke, spend and time, against what each secret was given at most."""

    def __init__(self, store):
        super().__init__()
        self.desk = Desk(store)
        row, secret = self.desk.first
        self.held = [Held(row.id, secret, frozenset(LEAD), None, (), None)]

    def pick(self, number):
        return self.held[number % len(self.held)]

    @precondition(lambda self: len(self.held) < 12)
    @rule(
        by=st.integers(0, 50),
        scopes=st.none() | st.lists(st.sampled_from(LEAD), max_size=4),
        life=st.none() | st.integers(1, 100),
        limit=st.none() | st.integers(0, 50),
        other=st.booleans(),
    )
    def mint(self, by, scopes, life, limit, other):
        maker = self.pick(by)
        until = None if life is None else self.desk.clock() + life * HOUR
        try:
            row, secret = self.desk.mint(
                maker.secret, scopes=scopes, expires_at=until, limit=None if limit is None else won(limit),
                member=member_id("bob") if other else None,
            )  # fmt: skip
        except QsubmitError:
            return
        assert maker.alive(self.desk.clock()), "a dead key made another"
        ends = min((at for at in (until, maker.until) if at), default=None)
        most = maker.scopes if scopes is None else maker.scopes & frozenset(scopes)
        purses = maker.purses if limit is None else (*maker.purses, [limit, 0])
        self.held.append(Held(row.id, secret, most, ends, purses, maker))

    @rule(by=st.integers(0, 50), of=st.integers(0, 50))
    def rotate(self, by, of):
        caller, old = self.pick(by), self.pick(of)
        try:
            row, secret = self.desk.rotate(caller.secret, old.id)
        except QsubmitError:
            return
        now = self.desk.clock()
        assert caller.alive(now), "a dead key replaced another"
        assert old.alive(now), "a dead key was brought back"
        assert old.scopes <= caller.scopes, "somebody rotated more scopes than it had"
        assert caller.until is None or (old.until is not None and old.until <= caller.until)
        assert all(any(purse is mine for mine in old.purses) for purse in caller.purses), "rotated out of a limit"
        heir = Held(row.id, secret, old.scopes, old.until, old.purses, old.maker)
        for each in self.held:
            each.maker = heir if each.maker is old else each.maker
        old.until = min(at for at in (old.until, now + OVERLAP) if at)
        self.held.append(heir)

    @rule(by=st.integers(0, 50), of=st.integers(0, 50))
    def revoke(self, by, of):
        caller, other = self.pick(by), self.pick(of)
        if other is self.held[0]:
            return  # nothing would be left to play with
        try:
            self.desk.revoke(caller.secret, other.id)
        except QsubmitError:
            return
        assert caller.alive(self.desk.clock()) or caller is other
        other.revoked = True

    @rule(by=st.integers(0, 50), amount=st.integers(1, 30))
    def spend(self, by, amount):
        spender = self.pick(by)
        try:
            paid = self.desk.spend(spender.secret, amount)
        except Unauthenticated:
            return
        left = min((limit - spent for limit, spent in spender.purses), default=amount)
        assert paid == (amount <= left)
        if paid:
            for purse in spender.purses:
                purse[1] += amount

    @rule(hours=st.integers(0, 30), more=st.sampled_from([timedelta(0), timedelta(seconds=4)]))
    def wait(self, hours, more):
        self.desk.clock.at += hours * HOUR + more

    @invariant()
    def nobody_has_more_than_was_given(self):
        now = self.desk.clock()
        for held in self.held:
            assert self.desk.works(held.secret) == held.alive(now), held.id
            if held.alive(now):
                assert self.desk.member(held.secret).scopes <= held.scopes


def test_a8_no_sequence_gives_a_key_more_than_its_maker_had(furnished):
    steps = settings(
        max_examples=40,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Line(furnished), settings=steps)


def test_a8_a_short_lived_reader_makes_nothing_and_replaces_nothing_better(desk):
    row, secret = desk.first
    _, reader = desk.mint(secret, scopes=["jobs:read"], expires_at=NOW + timedelta(seconds=4))
    with pytest.raises(Forbidden, match="keys:self"):
        desk.mint(reader)
    with pytest.raises(Forbidden):
        desk.rotate(reader, row.id)
    _, maker = desk.mint(secret, scopes=LEAD, expires_at=NOW + timedelta(seconds=4))
    with pytest.raises(Forbidden, match="replaces only itself"):
        desk.rotate(maker, row.id)
    with pytest.raises(Forbidden, match="outlive"):
        desk.mint(maker, expires_at=NOW + HOUR)
    child, _ = desk.mint(maker)
    assert child.expires_at == NOW + timedelta(seconds=4)


def test_a8_whatever_a_revoked_key_made_ends_with_it(desk):
    parent, secret = desk.mint(desk.first[1])
    _, child = desk.mint(secret, member=member_id("bob"))
    _, grandchild = desk.mint(child)
    assert desk.works(child)
    assert desk.works(grandchild)
    desk.revoke(desk.first[1], parent.id)
    assert [desk.works(each) for each in (secret, child, grandchild)] == [False] * 3
    with desk.store.read() as work:
        listed = {key.id: key for key in work.people.keys_of(desk_hub(desk))}
    assert sum(key.revoked_at is not None for key in listed.values()) == 3


def desk_hub(desk):
    return desk.member(desk.first[1]).hub


def test_a8_a_key_that_another_gateway_made_or_ended_is_seen_by_its_makers(desk):
    parent, secret = desk.mint(desk.first[1])
    _, child = desk.mint(secret)
    with desk.store.write() as work:
        work.people.end_key(parent.id, revoked_at=desk.clock())
    desk.clock.at += CACHED + timedelta(microseconds=1)
    assert not desk.works(child)


def test_a8_a_maker_that_lost_its_role_takes_the_scopes_of_what_it_made_along(desk):
    _, child = desk.mint(desk.first[1], member=member_id("bob"))
    assert "jobs:write" in desk.member(child).scopes
    with desk.store.write() as work:
        members = tables.members
        work.connection.execute(update(members).where(members.c.id == member_id("ada")).values(role="viewer"))
    desk.keys.forget()
    assert "jobs:write" not in desk.member(child).scopes


def test_a8_what_a_child_spends_counts_against_its_maker_also_after_a_rotation(desk):
    maker, secret = desk.mint(desk.first[1], limit=won(100))
    _, child = desk.mint(secret, limit=won(80))
    with pytest.raises(Forbidden, match="limit"):
        desk.mint(secret, limit=won(101))
    assert desk.spend(child, 80)
    assert not desk.spend(child, 1)
    assert not desk.spend(secret, 21)
    _, heir = desk.rotate(desk.first[1], maker.id)
    assert not desk.spend(heir, 21)
    assert desk.spend(heir, 20)
    assert not desk.spend(secret, 1)


def test_a8_a_limit_is_in_the_hubs_currency(desk):
    with pytest.raises(RequestInvalid, match="KRW"):
        desk.mint(desk.first[1], limit=Money(currency="USD", micros=1))


def test_a8_keys_without_a_limit_are_admitted_on_the_same_budgets_as_before(desk):
    _, child = desk.mint(desk.first[1])
    with desk.store.read() as work:
        assert desk.member(child).budgets == work.people.member(member_id("ada")).budgets


def test_a8_what_an_old_key_made_hangs_on_its_successor(desk):
    old, secret = desk.mint(desk.first[1])
    _, child = desk.mint(secret)
    heir, _ = desk.rotate(secret, old.id)
    desk.revoke(desk.first[1], old.id)
    assert not desk.works(secret)
    assert desk.works(child)
    desk.revoke(desk.first[1], heir.id)
    assert not desk.works(child)


def test_a8_any_key_may_end_itself_but_not_its_neighbour(desk):
    one, reader = desk.mint(desk.first[1], scopes=["jobs:read"])
    other, _ = desk.mint(desk.first[1], scopes=["jobs:read"])
    with pytest.raises(Forbidden):
        desk.revoke(reader, other.id)
    with pytest.raises(NotFound):
        desk.revoke(desk.root("dan", sorted(SCOPES_OF[Role.MEMBER]))[1], other.id)
    desk.revoke(reader, one.id)
    assert not desk.works(reader)


def test_a8_a_line_of_makers_is_bounded(desk):
    secret = desk.first[1]
    for _ in range(LONGEST_LINE - 1):
        _, secret = desk.mint(secret)
    assert desk.works(secret)
    with pytest.raises(RequestInvalid, match="at most"):
        desk.mint(secret)


def test_a8_a_key_that_ended_since_its_request_was_let_in_makes_nothing(desk):
    row, secret = desk.mint(desk.first[1])
    caller = desk.member(secret)
    desk.revoke(desk.first[1], row.id)
    for act in (lambda: desk.issuer.mint(caller, Wish()), lambda: desk.issuer.rotate(caller, row.id)):
        with pytest.raises(Unauthenticated):
            act()


def test_a8_a_look_up_that_began_before_a_revocation_is_not_kept_after_it(desk):
    row, secret = desk.mint(desk.first[1])
    real, revoked = desk.store.read, []

    def read():
        found = real()
        if not revoked:
            revoked.append(True)  # the look-up's transaction is open, and its answer will be the old one
            return Meanwhile(found, lambda: desk.revoke(desk.first[1], row.id))
        return found

    boss = desk.member(desk.first[1])
    desk.revoke = lambda *_: desk.issuer.revoke(boss, row.id)
    desk.store.read = read
    desk.keys.member(secret, desk.clock())
    desk.store.read = real
    assert not desk.works(secret)


class Meanwhile:
    """A transaction that has read, after which something is committed elsewhere before the reader goes on."""

    def __init__(self, inner, act):
        self._inner, self._act = inner, act

    def __enter__(self):
        return self._inner.__enter__()

    def __exit__(self, *how):
        left = self._inner.__exit__(*how)
        self._act()
        return left


def test_a8_no_revoked_key_answers_after_its_revocation_under_thirty_threads(desk):
    made = [desk.mint(desk.first[1]) for _ in range(30)]
    boss, late, over = desk.member(desk.first[1]), [], threading.Event()

    def use(secret):
        while not over.is_set():
            desk.works(secret)

    def end(row, secret):
        desk.issuer.revoke(boss, row.id)
        if desk.works(secret):
            late.append(row.id)

    users = [threading.Thread(target=use, args=(secret,)) for _, secret in made]
    enders = [threading.Thread(target=end, args=pair) for pair in made]
    for thread in (*users, *enders):
        thread.start()
    for thread in enders:
        thread.join()
    over.set()
    for thread in users:
        thread.join()
    assert late == []
    assert not any(desk.works(secret) for _, secret in made)


def test_a8_an_unknown_key_is_looked_up_once_and_a_shapeless_one_never(desk):
    reads = []
    event.listen(
        desk.store.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: reads.append(1) if "api_keys" in statement else None,
    )
    unknown = "qs_live_unknown1_" + "x" * 43
    for _ in range(5):
        assert not desk.works(unknown)
    assert len(reads) == 1
    for _ in range(5):
        assert not desk.works("x" * 1000)
        assert not desk.works("qs_live_" + "x" * 1000)
    assert len(reads) == 1


def test_a8_a_secret_is_not_kept_in_memory(desk):
    desk.works(desk.first[1])
    assert desk.first[1] not in repr(vars(desk.keys))


def test_a8_the_caches_of_keys_are_bounded(desk, monkeypatch):
    monkeypatch.setattr("broker.services.keys.KEPT", 3)
    desk.keys = Keys(desk.store, PEPPER.encode())
    for number in range(10):
        desk.works(f"qs_live_{number}")
    assert len(desk.keys._unknown) == 3 < KEPT


def test_a10_a_full_cache_forgets_the_key_that_was_not_used_longest_and_none_for_a_guess(desk, monkeypatch):
    monkeypatch.setattr("broker.services.keys.KEPT", 3)
    keys = Keys(desk.store, PEPPER.encode())
    used, *others = (desk.mint(desk.first[1])[1] for _ in range(6))
    keys.member(used, desk.clock())
    for number, other in enumerate(others):
        assert keys.known(used, desk.clock()) is not None
        keys.member(other, desk.clock())
        with pytest.raises(Unauthenticated):
            keys.member(f"qs_live_{number}", desk.clock())
    assert [keys.known(secret, desk.clock()) is not None for secret in others] == [False, False, False, True, True]


def test_a8_a_clock_that_is_set_back_does_not_make_a_look_up_young(desk):
    row, secret = desk.mint(desk.first[1])
    assert desk.works(secret)
    with desk.store.write() as work:
        work.people.end_key(row.id, revoked_at=desk.clock())
    desk.clock.at -= HOUR
    assert not desk.works(secret)
