"""What did this run leave out? Named at its end; in CI a test that skips itself is a failure."""

from __future__ import annotations

import os
from collections import Counter

import pytest

WHERE = {"long": "make crash, make simulate", "bench": "make bench"}
LEFT = "left_out"


class NotRun:
    """Collects what the selection and the tests themselves left out, also from xdist's workers."""

    def __init__(self) -> None:
        self.left: dict[str, str] = {}

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.left |= {
            item.nodeid: next((name for name in WHERE if item.get_closest_marker(name)), "") for item in items
        }

    def pytest_testnodedown(self, node: object) -> None:
        self.left |= getattr(node, "workeroutput", {}).get(LEFT, {})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[LEFT] = self.left
            return
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        skipped = [] if reporter is None else reporter.stats.get("skipped", [])
        if skipped and os.environ.get("CI") and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        skipped = terminalreporter.stats.get("skipped", [])
        if not (self.left or skipped):
            return
        terminalreporter.section("not run")
        for name, count in sorted(Counter(self.left.values()).items()):
            where = f"marked {name}: {WHERE[name]}" if name else "by the selection"
            terminalreporter.line(f"{count} tests {where}")
        for reason, count in sorted(Counter(_reason(report) for report in skipped).items()):
            terminalreporter.line(f"{count} tests: {reason}" + (" (in CI a failure)" if os.environ.get("CI") else ""))


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr
    return str(told[2] if isinstance(told, tuple) else told)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NotRun(), "not-run")
