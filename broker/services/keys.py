"""Who calls? API keys of 256 random bits, shown once, kept as an HMAC; looked up in a bounded cache."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from broker.domain.bounded import Bounded
from broker.domain.errors import NotFound, Unauthenticated
from broker.store.people import KeyRow, budget_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.hub import Member
    from broker.domain.money import Money
    from broker.store.unit_of_work import Store, Work

ALPHABET = string.digits + string.ascii_letters
PREFIX = "qs_live_"
SECRET_LENGTH = 43  # 62 ** 43 > 2 ** 256
CACHED = timedelta(seconds=5)
KEPT = 10_000
TURNS = 16
T = TypeVar("T")
LONGEST = 128  # characters of a secret; twice what ours have


def new_secret() -> str:
    """A key: prefix, eight characters that may be shown, and 256 bits that may not."""
    shown = "".join(secrets.choice(ALPHABET) for _ in range(8))
    hidden = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    return f"{PREFIX}{shown}_{hidden}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A member with the key's time limits, as of one look at the database."""

    member: Member
    key: KeyRow
    seen_at: datetime


class Keys:
    """Verifies keys.

    A key that has ended here is refused from the moment that ``forget`` returns, one that another gateway has ended
    at the latest ``CACHED`` after it.
    """

    def __init__(self, store: Store, pepper: bytes) -> None:
        self._store = store
        self._keyed = hmac.new(pepper, digestmod=hashlib.sha256)
        self._lock = threading.Lock()
        self._turns = tuple(threading.Lock() for _ in range(TURNS))
        # By digest: a dump of this process shows no secret. Apart: who guesses pushes out no good key.
        self._callers: Bounded[str, Caller] = Bounded(most=KEPT, most_bytes=0)
        self._unknown: Bounded[str, datetime] = Bounded(most=KEPT, most_bytes=0)
        self._forgotten = 0
        self._used: dict[str, datetime] = {}

    def digest(self, secret: str) -> str:
        """HMAC-SHA-256 with the pepper: a random key needs no slow hash, and a stolen table is of no use."""
        # A copy, not hmac.digest(): that gives the interpreter lock away for every request, to a writer that could
        # have collected more requests for its commit.
        mine = self._keyed.copy()
        mine.update(secret.encode())
        return mine.hexdigest()

    def known(self, secret: str, at: datetime) -> Member | None:
        """The member of a key that was looked up a moment ago, without touching the database.

        Raises:
            Unauthenticated: it has expired, was unknown a moment ago, or is no key of ours at all.
        """
        if not secret.startswith(PREFIX) or len(secret) > LONGEST:
            raise Unauthenticated("this API key is unknown")
        return self._recalled(self.digest(secret), at)

    def member(self, secret: str, at: datetime) -> Member:
        """The member whose key this is.

        Raises:
            Unauthenticated: unknown, expired or revoked.
        """
        return self._looked_up_once(self.digest(secret), at)

    def again(self, digest: str, at: datetime) -> Member:
        """The same for who holds an answer open: as old as the cache at most.

        Raises:
            Unauthenticated: it has ended since.
        """
        return self._recalled(digest, at) or self._looked_up_once(digest, at)

    def still(self, digest: str, at: datetime) -> bool:
        """Whether the key was seen to be good within ``CACHED``, without touching the database."""
        try:
            return self._recalled(digest, at) is not None
        except Unauthenticated:
            return False

    def forget(self) -> None:
        """Look every key up anew. To be called after the commit that ended one, never before.

        A look-up that began before this call may have read what stood before the commit; it is not kept.
        """
        with self._lock:
            self._forgotten += 1
            self._callers.clear()
            self._unknown.clear()

    def _recalled(self, digest: str, at: datetime) -> Member | None:
        caller = self._callers.get(digest)
        if caller is not None and _fresh(caller.seen_at, at):
            return self._alive(caller, at).member
        unknown = self._unknown.get(digest)
        if unknown is not None and _fresh(unknown, at):
            raise Unauthenticated("this API key is unknown")
        return None

    def _looked_up_once(self, digest: str, at: datetime) -> Member:
        # One looks up for all who come with this key, and with a few others, while it is old.
        with self._turns[int(digest[:2], 16) % len(self._turns)]:
            return self._recalled(digest, at) or self._looked_up(digest, at)

    def _looked_up(self, digest: str, at: datetime) -> Member:
        forgotten = self._forgotten
        with self._store.read() as work:
            found = work.people.by_digest(digest)
        if found is None:
            self._keep(self._unknown, digest, at, forgotten)
            raise Unauthenticated("this API key is unknown")
        key, member = found
        caller = Caller(member=member, key=key, seen_at=at)
        self._keep(self._callers, digest, caller, forgotten)
        self._used[key.id] = at
        return self._alive(caller, at).member

    def _keep(self, cache: Bounded[str, T], digest: str, value: T, forgotten: int) -> None:
        with self._lock:
            if forgotten != self._forgotten:
                return
            cache.put(digest, value)

    @staticmethod
    def _alive(caller: Caller, at: datetime) -> Caller:
        # Whatever the clocks of two gateways say: revoked is revoked.
        if caller.key.revoked_at is not None:
            raise Unauthenticated("this API key was revoked")
        if caller.key.expires_at is not None and caller.key.expires_at <= at:
            raise Unauthenticated("this API key has expired")
        return caller

    def flush(self) -> None:
        """Write down when keys were last used."""
        used, self._used = self._used, {}
        if used:
            with self._store.write() as work:
                work.people.touch_keys(used)

    # Over 40 lines with its parameters: one field per line.
    def create(  # noqa: PLR0913  a key has this many parts
        self,
        work: Work,
        *,
        member: str,
        name: str,
        scopes: Sequence[str],
        at: datetime,
        expires_at: datetime | None,
        by: str,
        parent: str | None = None,
        budget: str | None = None,
        limit: Money | None = None,
    ) -> tuple[KeyRow, str]:
        """A new key with its secret, which is returned once and stored nowhere.

        With a ``limit`` it gets a budget of its own below ``budget``; else ``budget``, if any, is the one that it
        shares with the key that it replaces.
        """
        if work.people.member(member) is None:
            raise NotFound(f"there is no member {member}")
        secret = new_secret()
        key_id = secret[: len(PREFIX) + 8]
        key = KeyRow(
            id=key_id,
            member=member,
            name=name,
            scopes=tuple(scopes),
            created_at=at,
            expires_at=expires_at,
            revoked_at=None,
            last_used_at=None,
            parent=parent,
            budget=budget if limit is None else _own_budget(work, key_id, budget, limit),
        )
        work.people.add_key(key, self.digest(secret))
        work.acted({"act": "key.create", "key": key.id, "member": member, "by": by, "parent": parent}, at)
        return key, secret


def _own_budget(work: Work, key: str, above: str | None, limit: Money) -> str:
    name = budget_id("key", key)
    work.tenancy.budget(name, parent=above, owner=name, currency=limit.currency, limit=limit.micros)
    return name


def _fresh(seen_at: datetime, at: datetime) -> bool:
    """A clock that was set back must not make an old look-up young."""
    return timedelta(0) <= at - seen_at <= CACHED
