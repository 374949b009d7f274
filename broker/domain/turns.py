"""Whose turn is it where jobs are served as they come? Fair Tree without a past, for a queue that lives in memory.

The tree is that of fairshare.py, organisation > project > member, and so is the rule: at every level the one that
was charged least goes next. What differs is where an account that comes back stands: not behind all that it has ever
used, but level with whoever is being served (start-time fair queueing, Goyal, Vin and Cheng 1996). Who may enter is
decided by the week's spend in the database; here nobody who entered waits for more than one turn of each sibling.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = TypeVar("Item")
Path = tuple[str, ...]


class Turns(Generic[Item]):
    """What waits, by account; ``take`` charges the cost at once, ``correct`` puts right what a turn really took."""

    def __init__(self) -> None:
        self._root: _Account[Item] = _Account()
        self._pushes = count()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, path: Path, item: Item, cost: float, *, front: bool = False) -> None:
        """Behind the account's own items, or before them: what was taken and not served. Paths are of one length."""
        chain = list(self._chain(path, make=True))
        place = chain[-1].items
        (place.appendleft if front else place.append)((item, cost))
        self._size += 1
        for name, parent, account in zip(path, chain, chain[1:], strict=False):
            account.waiting += 1
            if account.waiting == 1:
                account.charged = max(account.charged, parent.level)
                self._push(parent, name, account)

    def take(self) -> Item | None:
        """The next item; None if nothing waits."""
        if not self._size:
            return None
        path, chain, account = [], [self._root], self._root
        while not account.items:
            name = account.next_name()
            parent, account = account, account.accounts[name]
            parent.level = max(parent.level, account.charged)
            path.append(name)
            chain.append(account)
        item, cost = account.items.popleft()
        self._size -= 1
        for account in chain[1:]:
            account.waiting -= 1
        self._charge(tuple(path), chain, cost)
        return item

    def correct(self, path: Path, more: float) -> None:
        """A turn took so much more, or less, than it was charged."""
        chain = list(self._chain(path, make=False))
        self._charge(path, chain, more)

    def forget(self) -> None:
        """Drop the accounts that nothing is left to know about."""
        self._root.forget()

    def _chain(self, path: Path, *, make: bool) -> Iterator[_Account[Item]]:
        account = self._root
        yield account
        for name in path:
            if name not in account.accounts:
                if not make:
                    return
                account.accounts[name] = _Account()
            account = account.accounts[name]
            yield account

    def _charge(self, path: Path, chain: list[_Account[Item]], more: float) -> None:
        for name, parent, account in zip(path, chain, chain[1:], strict=False):
            account.charged += more
            if account.waiting:
                self._push(parent, name, account)

    def _push(self, parent: _Account[Item], name: str, account: _Account[Item]) -> None:
        account.entry = next(self._pushes)
        heappush(parent.queue, (account.charged, account.entry, name))


class _Account(Generic[Item]):
    """An organisation, project or member: what waits below it and what it was charged."""

    __slots__ = ("accounts", "charged", "entry", "items", "level", "queue", "waiting")

    def __init__(self) -> None:
        self.accounts: dict[str, _Account[Item]] = {}
        self.items: deque[tuple[Item, float]] = deque()
        self.queue: list[tuple[float, int, str]] = []
        self.charged = 0.0
        self.level = 0.0
        self.waiting = 0
        self.entry = -1

    def next_name(self) -> str:
        """The account below that was charged least; what its place in the queue was before a charge is passed over."""
        while True:
            _, entry, name = heappop(self.queue)
            account = self.accounts.get(name)
            if account is not None and account.entry == entry and account.waiting:
                return name

    def forget(self) -> None:
        for account in self.accounts.values():
            account.forget()
        known = self.accounts.items()
        self.accounts = {name: each for name, each in known if each.waiting or each.charged > self.level}
