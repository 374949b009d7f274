"""How is golden_routing.yaml renewed? ``python -m tests.support.golden``; then a person reads every changed line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.support.routing_world import decide, shown

GOLDEN = Path(__file__).parents[1] / "unit" / "domain" / "golden_routing.yaml"


def cases() -> list[dict[str, Any]]:
    return yaml.safe_load(GOLDEN.read_text())


def renew() -> None:
    head = [line for line in GOLDEN.read_text().splitlines(keepends=True) if line.startswith("#")]
    renewed = [{**case, "decision": shown(decide(case))} for case in cases()]
    texts = [yaml.safe_dump([case], sort_keys=False, width=1_000, allow_unicode=True) for case in renewed]
    GOLDEN.write_text("".join(head) + "\n" + "\n".join(texts))


if __name__ == "__main__":
    renew()
