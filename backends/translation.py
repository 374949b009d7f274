"""When is what a translator's child returned not sent? When it is not this order's program and nothing else.

A child reads a stranger's program, and such a program has broken out of a library before. So the parent composes the
request: device, command, shots, points, priority, names and limits are the order's. The child gives the program alone.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backends.child import ChildKilled
from backends.errors import NotTried, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from backends.base import Order

CODE = "translation_invalid"
# A create with less time than this on the wire would be in doubt more often than it succeeds.
SHORTEST_SEND_S = 0.5


class Untrue(Refused):
    """The child returned something else than the program that it was given: nothing was sent, and it is not to live."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the program's translation cannot be trusted: {what}; nothing was sent", code=CODE)


@contextmanager
def unasked() -> Iterator[None]:
    """Around all that is done before the vendor is asked: what goes wrong in it says nothing about the vendor.

    Do not let it count as the vendor's failure or as its answer: one member's programs would close a device to
    everybody, or open one that is down.
    """
    try:
        yield
    except Refused as error:
        error.asked = False
        raise
    except OSError as error:
        raise NotTried(f"no process to translate the program in: {error}; nothing was sent") from error


def in_time(order: Order) -> float:
    """The seconds that are left for a create, just before it.

    Raises:
        NotTried: too few; what came before took too long, and nothing was sent.
    """
    left = order.left_s()
    if left < SHORTEST_SEND_S:
        raise NotTried("preparing the program took too long; nothing was sent", retry_after=1.0)
    return left


def called(child: Callable[..., dict[str, Any]], wish: Mapping[str, Any], order: Order) -> dict[str, Any]:
    """What a translator's child says to ``wish``, in the time that the order has.

    Raises:
        ChildError, ChildKilled: as of ``Child.call``; a program that needs more than its limit can never be sent.
        NotTried: it was stopped for the order's time, or for our own reasons; nothing was sent.
    """
    left = in_time(order)
    try:
        return child(wish, owner=order.project, wall_s=left)
    except ChildKilled as killed:
        if killed.reason == "cancelled" or (killed.reason == "wall" and order.left_s() < SHORTEST_SEND_S):
            raise NotTried(f"the translation was {killed}; nothing was sent", retry_after=1.0) from killed
        raise


def parts_of(answer: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    """The values of exactly these names.

    Raises:
        Untrue: one is missing, or there are others.
    """
    wanted = list(names)
    if set(answer) != set(wanted):
        strange = sorted(map(str, set(answer) ^ set(wanted)))
        raise Untrue(f"it lacks, or adds, {', '.join(strange)[:100]}")
    return [answer[name] for name in wanted]


def text_of(value: object, *, most: int) -> str:
    """A text of at most ``most`` characters, or ``Untrue``."""
    if not isinstance(value, str):
        raise Untrue("it is no text")
    if len(value) > most:
        raise Refused(f"the translated program has {len(value)} characters", code="limit_exceeded")
    return value
