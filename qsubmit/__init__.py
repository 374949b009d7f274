"""What do users import? ``from qsubmit import Client``; nothing is loaded before it is used."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from qsubmit.client import Client
    from qsubmit.errors import QsubmitError

__version__ = "0.1.0"
__all__ = ["Client", "QsubmitError", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Client":
        from qsubmit.client import Client

        return Client
    if name == "QsubmitError":
        from qsubmit.errors import QsubmitError

        return QsubmitError
    raise AttributeError(f"module 'qsubmit' has no attribute {name!r}")
