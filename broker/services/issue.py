"""Who may make, replace and end API keys? A key never exceeds its maker in scope, budget or time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.errors import Forbidden, NotFound, RequestInvalid, Unauthenticated
from broker.domain.keychain import LONGEST_LINE, Rights, earliest
from broker.domain.scopes import SCOPES_OF, Role, Scope, known
from broker.store.people import KeyRow, budget_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from broker.domain.hub import Member
    from broker.domain.money import Money
    from broker.services.keys import Keys
    from broker.store.unit_of_work import Store, Work

OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A key as it was asked for; None is as much as its maker may give."""

    member: str | None = None
    name: str = ""
    scopes: Sequence[str] | None = None
    expires_at: datetime | None = None
    limit: Money | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """The calling key as it stands in this transaction, which may be less than when its request was let in."""

    member: Member
    rights: Rights

    @property
    def id(self) -> str:
        """The key's, not the member's."""
        return self.member.key

    def made(self, line: Collection[str]) -> bool:
        """Whether a key of this line is the maker itself or comes from it."""
        return self.id in line


class Issuer:
    """Makes, replaces and ends keys, each in one transaction, after which this gateway looks all keys up anew."""

    def __init__(self, store: Store, keys: Keys, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    def mint(self, caller: Member, wish: Wish) -> tuple[KeyRow, str]:
        """A new key with its secret.

        Raises:
            Forbidden: it would exceed its maker, or the maker may make none; NotFound, RequestInvalid.
        """
        with self._store.write() as work:
            maker = _maker(work, caller, self._clock())
            return self._mint(work, maker, wish)

    def _mint(self, work: Work, maker: Maker, wish: Wish) -> tuple[KeyRow, str]:
        _may_make(maker)
        if len(maker.rights.line) >= LONGEST_LINE:
            raise RequestInvalid(f"a line of keys that make keys has at most {LONGEST_LINE}")
        owner = _owner(work, wish.member or maker.member.id, maker.member)
        above = maker.rights.budgets[-1] if maker.rights.budgets else _member_budget(work, owner)
        _check_limit(work, maker, wish.limit)
        return self._keys.create(
            work,
            member=owner,
            name=wish.name,
            scopes=_scopes(work, wish.scopes, owner, maker.member),
            at=self._clock(),
            expires_at=_end(wish.expires_at, maker),
            by=maker.member.id,
            parent=maker.id,
            budget=None if wish.limit is None else above,
            limit=wish.limit,
        )

    def rotate(self, caller: Member, key_id: str) -> tuple[KeyRow, str]:
        """A successor with the same maker, rights, budget and end; the old key works for ``OVERLAP`` at most.

        What the old key made hangs on the successor from now on.

        Raises:
            RequestInvalid: it has ended: a successor would bring it back to life.
            Forbidden: the caller's key neither is it nor made it, so that its secret would outlive the caller's.
        """
        with self._forgetting() as work:
            at = self._clock()
            maker = _maker(work, caller, at, key_id)
            key, rights = _key(work, key_id, maker)
            _may_make(maker)
            if not maker.made(rights.line):
                raise Forbidden("a key replaces only itself and what it made; revoke this one and create another")
            if _ended(rights, at):
                raise RequestInvalid(f"key {key.id} has ended; create a new one")
            successor, secret = self._keys.create(
                work,
                member=key.member,
                name=key.name,
                scopes=key.scopes,
                at=at,
                expires_at=rights.expires_at,
                by=maker.member.id,
                parent=key.parent,
                budget=key.budget,
            )
            work.people.hand_on(key.id, successor.id)
            work.people.end_key(key.id, expires_at=earliest(rights.expires_at, at + OVERLAP))
            work.acted({"act": "key.rotate", "key": key.id, "successor": successor.id, "by": maker.member.id}, at)
            return successor, secret

    def revoke(self, caller: Member, key_id: str) -> None:
        """No more from now on, neither the key nor anything that it made."""
        with self._forgetting() as work:
            at = self._clock()
            maker = _maker(work, caller, at, key_id)
            key, _ = _key(work, key_id, maker)
            if key.revoked_at is None:
                work.people.end_key(key.id, revoked_at=at)
            work.acted({"act": "key.revoke", "key": key.id, "by": maker.member.id}, at)

    @contextmanager
    def _forgetting(self) -> Iterator[Work]:
        # After the commit: forgotten before it, a key is looked up and kept once more. Also after a commit that
        # failed, because nobody knows whether it did.
        try:
            with self._store.write() as work:
                yield work
        finally:
            self._keys.forget()


def _maker(work: Work, caller: Member, at: datetime, *others: str) -> Maker:
    """The caller's key, held until the commit, so that it cannot end while it makes another.

    Raises:
        Unauthenticated: it has ended since the request was let in.
    """
    work.people.lock_keys({caller.key, *others})
    found, rights = work.people.by_key(caller.key), work.people.rights(caller.key)
    if found is None or rights is None or _ended(rights, at):
        raise Unauthenticated("this API key has ended")
    return Maker(member=found[1], rights=rights)


def _ended(rights: Rights, at: datetime) -> bool:
    return rights.revoked_at is not None or (rights.expires_at is not None and rights.expires_at <= at)


def _may_make(maker: Maker) -> None:
    if not maker.member.scopes & {Scope.KEYS_SELF, Scope.KEYS_ADMIN}:
        raise Forbidden("this API key makes no keys: it has neither keys:self nor keys:admin")


def _end(wanted: datetime | None, maker: Maker) -> datetime | None:
    limit = maker.rights.expires_at
    if wanted is not None and limit is not None and wanted > limit:
        raise Forbidden(f"a key cannot outlive the key that makes it, which ends at {limit.isoformat()}")
    return earliest(wanted, limit)


def _check_limit(work: Work, maker: Maker, limit: Money | None) -> None:
    if limit is None:
        return
    if limit.currency != maker.member.currency:
        raise RequestInvalid(f"a limit is in the hub's currency, {maker.member.currency}", pointer="/limit/currency")
    own = work.ledger.budgets(maker.rights.budgets).values()
    least = min((budget.limit_micros for budget in own if budget.limit_micros is not None), default=None)
    if least is not None and limit.micros > least:
        raise Forbidden("a key's limit cannot exceed that of the key that makes it")


def _member_budget(work: Work, member: str) -> str | None:
    name = budget_id("member", member)
    return name if work.people.has_budget(name) else None


def _scopes(work: Work, asked: Sequence[str] | None, owner: str, member: Member) -> list[str]:
    """At most what the caller's key may and what the owner's role may."""
    role = work.people.role(owner)
    allowed = {scope.value for scope in SCOPES_OF[Role(role)]} if role else set()
    if asked is None:
        return sorted(member.scopes & allowed)
    try:
        wanted = {scope.value for scope in known(frozenset(asked))}
    except ValueError as error:
        raise RequestInvalid(str(error), pointer="/scopes") from None
    _exceeds(wanted, member)
    if not wanted <= allowed:
        raise Forbidden(f"the role {role} does not have {', '.join(sorted(wanted - allowed))}")
    return sorted(wanted)


def _exceeds(scopes: Collection[str], member: Member) -> None:
    missing = sorted(set(scopes) - member.scopes)
    if missing:
        raise Forbidden(f"you do not have {', '.join(missing)} yourself")


def _owner(work: Work, owner: str, member: Member) -> str:
    if owner == member.id:
        return owner
    other = work.people.member(owner)
    if other is None or not _near(other, member):
        raise NotFound(f"there is no member {owner}")
    if Scope.KEYS_ADMIN not in member.scopes:
        raise Forbidden("only an administrator of keys makes keys for others")
    return owner


def _near(other: Member, member: Member) -> bool:
    if Scope.HUB_ADMIN in member.scopes:
        return other.hub == member.hub
    return other.project == member.project


def _key(work: Work, key_id: str, maker: Maker) -> tuple[KeyRow, Rights]:
    """A key that the caller may end or replace: itself, what it made, or one in reach with no right that it lacks."""
    key, rights, member = work.people.key(key_id), work.people.rights(key_id), maker.member
    owner = None if key is None else work.people.member(key.member)
    if key is None or rights is None or owner is None:
        raise NotFound(f"there is no key {key_id}")
    if maker.made(rights.line):
        return key, rights
    if owner.id != member.id and not (Scope.KEYS_ADMIN in member.scopes and _near(owner, member)):
        raise NotFound(f"there is no key {key_id}")
    _may_make(maker)
    _exceeds(key.scopes, member)
    return key, rights
