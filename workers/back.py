"""How does a hub go back to the release before? By ``python -m workers.back``, which takes this one's tables away."""

from __future__ import annotations

import sys

from broker.settings import Settings
from broker.store.engine import open_engine
from broker.store.schema import back


def main() -> int:
    """0 if the tables are now those of the release before; every process of this one must have been stopped."""
    engine = open_engine(Settings().database)
    try:
        left = back(engine)
    except RuntimeError as error:
        sys.stderr.write(f"python -m workers.back: {error}\n")
        return 1
    finally:
        engine.dispose()
    sys.stdout.write(f"the tables are at {left}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
