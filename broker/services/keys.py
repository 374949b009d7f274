"""Who may call? API keys of 256 random bits, shown once, kept as an HMAC; looked up in a bounded cache."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.errors import NotFound, RequestInvalid, Unauthenticated
from broker.store.people import KeyRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.domain.hub import Member
    from broker.store.unit_of_work import Store, Work

ALPHABET = string.digits + string.ascii_letters
PREFIX = "qs_live_"
SECRET_LENGTH = 43  # 62 ** 43 > 2 ** 256
CACHED = timedelta(seconds=5)
KEPT = 10_000
OVERLAP = timedelta(hours=24)


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
    """Verifies keys; a revoked key is refused at the latest ``CACHED`` after its revocation."""

    def __init__(self, store: Store, pepper: bytes) -> None:
        self._store = store
        self._pepper = pepper
        self._callers: dict[str, Caller] = {}
        self._used: dict[str, datetime] = {}

    def digest(self, secret: str) -> str:
        """HMAC-SHA-256 with the pepper: a random key needs no slow hash, and a stolen table is of no use."""
        return hmac.new(self._pepper, secret.encode(), hashlib.sha256).hexdigest()

    def known(self, secret: str, at: datetime) -> Member | None:
        """The member of a key that was looked up a moment ago, without touching the database."""
        caller = self._callers.get(secret)
        if caller is None or at - caller.seen_at > CACHED:
            return None
        return self._alive(caller, at).member

    def member(self, secret: str, at: datetime) -> Member:
        """The member whose key this is.

        Raises:
            Unauthenticated: unknown, expired or revoked.
        """
        with self._store.read() as work:
            found = work.people.by_digest(self.digest(secret))
        if found is None:
            raise Unauthenticated("this API key is unknown")
        key, member = found
        if len(self._callers) >= KEPT:
            self._callers.clear()
        caller = self._callers[secret] = Caller(member=member, key=key, seen_at=at)
        self._used[key.id] = at
        return self._alive(caller, at).member

    @staticmethod
    def _alive(caller: Caller, at: datetime) -> Caller:
        if caller.key.revoked_at is not None and caller.key.revoked_at <= at:
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

    def create(
        self,
        work: Work,
        *,
        member: str,
        name: str,
        scopes: Sequence[str],
        at: datetime,
        expires_at: datetime | None,
        by: str,
    ) -> tuple[KeyRow, str]:
        """A new key with its secret, which is returned once and stored nowhere."""
        if work.people.member(member) is None:
            raise NotFound(f"there is no member {member}")
        secret = new_secret()
        key = KeyRow(
            id=secret[: len(PREFIX) + 8],
            member=member,
            name=name,
            scopes=tuple(scopes),
            created_at=at,
            expires_at=expires_at,
            revoked_at=None,
            last_used_at=None,
        )
        work.people.add_key(key, self.digest(secret))
        work.acted({"act": "key.create", "key": key.id, "member": member, "by": by}, at)
        return key, secret

    def rotate(self, work: Work, key: KeyRow, *, at: datetime, by: str) -> tuple[KeyRow, str]:
        """A successor with the same rights; the old key works for ``OVERLAP`` more, or until it expires anyway.

        Raises:
            RequestInvalid: it has ended: a successor would bring it back to life.
        """
        if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= at):
            raise RequestInvalid(f"key {key.id} has ended; create a new one")
        work.people.end_key(key.id, expires_at=min(key.expires_at or at + OVERLAP, at + OVERLAP))
        return self.create(
            work, member=key.member, name=key.name, scopes=key.scopes, at=at, expires_at=key.expires_at, by=by
        )

    def revoke(self, work: Work, key: KeyRow, *, at: datetime, by: str) -> None:
        """No more from now on."""
        work.people.end_key(key.id, revoked_at=at)
        work.acted({"act": "key.revoke", "key": key.id, "by": by}, at)
        self._callers.clear()
