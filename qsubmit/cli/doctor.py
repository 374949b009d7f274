"""Find out what is wrong and what to do: configuration, network, key, clock, installation; or one job in trouble."""

from __future__ import annotations

from qsubmit.cli import checks, options, terminal, walls
from qsubmit.errors import QsubmitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.cli.checks import Finding

MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "bad": ("BAD", "red")}


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("job", metavar="JOB", nargs="?", help="a job that does not go on")
    options.as_json(parser)


def act(args: Namespace) -> int:
    """A line per check; the exit code of the first bad one."""
    findings = [*checks.installation(), *configured(args)]
    code = next((finding.exit_code for finding in findings if finding.verdict == "bad"), 0)
    if args.json:
        terminal.document({"ok": code == 0, "checks": [finding.facts() for finding in findings]})
        return code
    for finding in findings:
        show(finding)
    terminal.out()
    terminal.out(verdict(findings))
    return code


def verdict(findings: list[Finding]) -> str:
    """The sum of it."""
    bad, warned = (sum(finding.verdict == word for finding in findings) for word in ("bad", "warn"))
    if not bad and not warned:
        return "nothing is wrong"
    return f"of {len(findings)} checks {bad} are bad and {warned} need attention"


def configured(args: Namespace) -> list[Finding]:
    """The checks that need the configuration; a broken one is itself the finding."""
    from qsubmit.client import Client

    try:
        client = Client(profile=args.profile, timeout=10, sleep=lambda _: None)
    except QsubmitError as trouble:
        return [checks.Finding.of("config", trouble)]
    findings = checks.configuration(client.settings)
    reached = checks.server(client)
    findings += reached
    if any(finding.verdict == "bad" for finding in reached if finding.name == "server"):
        return findings
    findings += checks.key(client)
    if findings[-1].verdict == "ok":
        findings += walls.findings(client)
        findings += checks.job(client, args.job) if args.job else checks.troubled_jobs(client)
    return findings


def show(finding: Finding) -> None:
    """The verdict, and below it what to do. Remedies are not wrapped: a command must survive being copied."""
    word, colour = MARKS[finding.verdict]
    first, *rest = terminal.wrapped(f"{word:<5}{finding.name:<10}{terminal.clean(finding.said)}", indent=15)
    terminal.out(terminal.style(first[:5], colour) + first[5:])
    for line in rest:
        terminal.out(line)
    for line in finding.remedy:
        terminal.out(f"{'':<5}{terminal.style('>', 'cyan')} {terminal.clean(line)}")
