"""What may be kept? A mapping with a bound on bytes and on entries, which forgets what was not asked for longest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")
SHARE = 4  # one owner may fill at most a quarter: a flood by one must not push out what everybody else uses


class Bounded(Generic[K, V]):
    """At most ``most_bytes`` by the sizes that were stated, and at most ``most`` entries; safe among threads.

    An owner that has its share pushes out its own oldest entry; without an owner, all compete.
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[K, tuple[V, int, str, K]] = OrderedDict()
        self._owned: dict[str, OrderedDict[K, None]] = {}
        self._bytes_of: dict[str, int] = {}
        self._lock = threading.Lock()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: K) -> bool:
        return key in self._kept

    def get(self, key: K) -> V | None:
        """What is kept, now the youngest; None if nothing is."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            value, _, owner, same = found  # the kept key: its hash and its equality cost nothing
            self._kept.move_to_end(same)
            self._owned[owner].move_to_end(same)
            return value

    def put(self, key: K, value: V, *, size: int = 0, owner: str = "") -> None:
        """Keep, and forget others for it; what is larger than its owner's share is not kept at all."""
        part = SHARE if owner else 1
        with self._lock:
            self._drop(key)
            if size * part > self._most_bytes:
                return
            mine = self._owned.setdefault(owner, OrderedDict())
            self._kept[key], mine[key] = (value, size, owner, key), None
            self.bytes += size
            self._bytes_of[owner] = self._bytes_of.get(owner, 0) + size
            while len(mine) > max(1, self._most // part) or self._bytes_of[owner] * part > self._most_bytes:
                self._drop(next(iter(mine)))
            while len(self._kept) > self._most or self.bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for kept in (self._kept, self._owned, self._bytes_of):
                kept.clear()
            self.bytes = 0

    def _drop(self, key: K) -> None:
        found = self._kept.pop(key, None)
        if found is None:
            return
        _, size, owner, _ = found
        self.bytes -= size
        self._bytes_of[owner] -= size
        mine = self._owned[owner]
        del mine[key]
        if not mine:
            del self._owned[owner], self._bytes_of[owner]
