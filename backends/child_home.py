"""Where may a child write? In a folder of its own, which is gone with it, whatever the child has made of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from itertools import count, islice
from pathlib import Path

# Of one folder, at a time: a child may have made millions of files.
_AT_ONCE = 4096


def new_home() -> Path:
    """A folder of its own, readable by nobody else; its name says whose child it belongs to."""
    return _made_in(_homes())


def remove(home: Path) -> None:
    """With all that a child left there; never raises. What cannot be removed goes when a parent next tidies up.

    Not by ``shutil.rmtree``: it goes down by recursion, with a descriptor for each level, and a child can make more
    levels than Python or the kernel has of either. It also stops at a folder that its owner has closed to itself.
    """
    with contextlib.suppress(OSError):
        home.rmdir()  # most children wrote nothing
        return
    with contextlib.suppress(OSError):
        _remove_any(home)


def tidy(homes: Path) -> None:
    """Remove the folders of those whose parent was killed before it could."""
    for home in list(homes.iterdir()):
        if not Path("/proc", home.name.partition("-")[0]).exists():
            remove(home)


def _remove_any(home: Path) -> None:
    """Each folder is first moved to the same place, so that none is ever deep."""
    grave = _made_in(home.parent)
    numbers = count()
    folders = [_moved(home, grave, numbers)]
    while folders:
        folder = folders.pop()
        with contextlib.suppress(OSError):
            while entries := _some(folder):
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(_moved(Path(entry.path), grave, numbers))
                    else:
                        Path(entry.path).unlink()
            folder.rmdir()
    grave.rmdir()


def _moved(folder: Path, grave: Path, numbers: count[int]) -> Path:
    """Opened, too: to be moved a folder must be writable by whoever is not root. Never through a link."""
    found = os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        Path(f"/proc/self/fd/{found}").chmod(0o700)
    finally:
        os.close(found)
    return folder.rename(grave / str(next(numbers)))


def _some(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as inside:
        return list(islice(inside, _AT_ONCE))


def _made_in(homes: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=homes))


_tidied: set[int] = set()


def _homes() -> Path:
    """The folder of all children's folders, once in each parent's life without those that nobody owns any more."""
    homes = Path(tempfile.gettempdir()) / f"qsubmit-children-{os.getuid()}"
    # Children with users of their own must get through; each folder in it is closed to all but one.
    homes.mkdir(mode=0o711, exist_ok=True)
    if homes.stat().st_uid != os.getuid():
        raise PermissionError(f"{homes} belongs to somebody else")
    homes.chmod(0o711)
    if os.getpid() not in _tidied:
        _tidied.add(os.getpid())
        tidy(homes)
    return homes
