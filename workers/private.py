"""Who else may read the data directory? Nobody: it holds keys, jobs, sockets and the vendors' sandboxes."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = 0o077
READABLE = 0o066  # by others; to pass through is no reading


def shut(data: Path) -> bool:
    """Make the directory, or close it and whatever is in it to others; whether they could have read it.

    Everything that this process and its children create from now on is for their user alone.

    Raises:
        RuntimeError: others can enter it and it is not ours to close.
    """
    os.umask(OTHERS)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = data.stat().st_mode
    if not mode & OTHERS:
        return False
    if data.stat().st_uid != os.geteuid():
        raise RuntimeError(f"others can enter {data}, and it belongs to somebody else; run: chmod 700 {data}")
    data.chmod(0o700)
    for folder, _, files in os.walk(data):  # links are not followed
        for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118  os.walk gives text
            _close(path)
    return bool(mode & READABLE)


def _close(path: str) -> None:
    mode = os.lstat(path)
    if stat.S_ISLNK(mode.st_mode) or mode.st_uid != os.geteuid():
        return
    if mode.st_mode & OTHERS:
        os.chmod(path, stat.S_IMODE(mode.st_mode) & ~OTHERS)  # noqa: PTH101  os.walk gives text


def write_secret(path: Path, secret: str) -> None:
    """The whole file, for its owner alone, or no file: an empty one would be taken for the secret at the next start."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with draft.open("w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
