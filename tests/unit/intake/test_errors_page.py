"""Does docs/errors.md list exactly the codes that intake can raise?"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_lists_every_code_of_intake_once_and_no_other():
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(program_[a-z_]+)` \|", page, re.MULTILINE)
    raised = {
        code
        for path in (ROOT / "broker" / "intake").rglob("*.py")
        for code in re.findall(r'"(program_[a-z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert listed == sorted(raised)
