"""Which objects of a bucket are a task's result? Those in its own folder, and no more of them than a hub takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from backends.errors import Refused, Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

_RELATIVE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}){0,7}")


class Budget:
    """Bytes that may still be read of one result, over all of its objects: a set names as many parts as it likes."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self, size: int) -> None:
        """Take note of an object.

        Raises:
            Refused: there were more bytes than are left.
        """
        if size > self.left:
            raise Refused("braket: the result is larger than this hub takes", code="limit_exceeded")
        self.left -= size


def folder_of(task: Mapping[str, Any]) -> str:
    """The folder that the task names, which ends in the task's own id.

    Our credentials open the whole bucket: an answer that names another folder would hand somebody another's result.
    """
    folder, own = str(task["outputS3Directory"]), str(task["quantumTaskArn"]).rpartition("/")[2]
    if not own or not folder.endswith(f"/{own}"):
        raise Unreadable("braket names a folder that is not the task's")
    return folder


def part_of(path: object) -> str:
    """A path inside the folder, as a result document names its parts: relative, without a way out."""
    if not isinstance(path, str) or not _RELATIVE.fullmatch(path):
        raise Unreadable("braket's result names a part outside its folder")
    return path
