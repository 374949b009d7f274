"""What does each check of ``qsubmit doctor`` look at? Every finding says what is so and what to do about it."""

# ruff: noqa: PTH100, PTH110, PTH120  pathlib takes 15 ms, half of the client's start
from __future__ import annotations

import os
import sys

from qsubmit import __version__, config
from qsubmit.cli import words
from qsubmit.cli.exit_codes import OK, USAGE, exit_code
from qsubmit.errors import NotFound, QsubmitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

    from qsubmit.client import Client
    from qsubmit.config import Settings
    from qsubmit.connection import Answer
    from qsubmit.shapes import Job

FLAT_NAMES = ("qsubmit", "broker", "workers", "backends")
SKEW_S = 5.0
INTERFACE = "1"
STUCK_STATES = ("attention", "unknown")
MOST = 5


class Finding:
    """One check's answer: ``verdict`` is ``ok``, ``warn`` or ``bad``; ``remedy`` lines are things to do."""

    __slots__ = ("exit_code", "name", "remedy", "said", "verdict")

    def __init__(
        self, name: str, said: str, *, verdict: str = "ok", remedy: Iterable[str] = (), exit_code: int = OK
    ) -> None:
        self.name = name
        self.said = said
        self.verdict = verdict
        self.remedy = list(remedy)
        self.exit_code = exit_code

    @classmethod
    def of(cls, name: str, error: QsubmitError, *, remedy: Iterable[str] = ()) -> Self:
        """A check that ended in an error."""
        lines = [*remedy] or ([error.hint] if error.hint else [])
        return cls(name, error.detail, verdict="bad", remedy=lines, exit_code=exit_code(error))

    def facts(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"name": self.name, "verdict": self.verdict, "said": self.said, "remedy": self.remedy}


def installation() -> list[Finding]:
    """Our version, and whether anyone else owns our package names."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    return [Finding("version", f"qsubmit {__version__} on Python {python}"), *packages(owners(), shadows())]


def owners() -> dict[str, set[str]]:
    """Which distributions own each of our top-level names."""
    from importlib.metadata import packages_distributions

    installed = packages_distributions()
    return {name: {owner.lower() for owner in installed.get(name, ())} for name in FLAT_NAMES}


def shadows() -> dict[str, str]:
    """Where each name would be imported from, if that is not beside this client."""
    from importlib.util import find_spec

    home = os.path.dirname(os.path.dirname(os.path.abspath(config.__file__)))
    places = {}
    for name in FLAT_NAMES:
        spec = find_spec(name)
        for place in (spec.submodule_search_locations or [spec.origin or "?"]) if spec else ():
            if os.path.dirname(os.path.abspath(place)) != home:
                places[name] = place
    return places


def packages(owned: dict[str, set[str]], shadowed: dict[str, str]) -> list[Finding]:
    """Any other owner of ``broker``, ``workers``, ``backends`` or ``qsubmit`` would be imported in our place."""
    found = []
    for name, names in owned.items():
        for other in sorted(names - {"qsubmit"}):
            said = f"package {name!r} also belongs to the distribution {other!r}"
            found.append(
                _conflict(said, [f"pip uninstall {other}", "or give qsubmit a virtual environment of its own"])
            )
    for name, place in shadowed.items():
        said = f"{name!r} would be imported from {place}"
        found.append(_conflict(said, ["run from another folder, or remove that path from PYTHONPATH"]))
    return found or [Finding("packages", "nobody else owns qsubmit, broker, workers or backends")]


def _conflict(said: str, remedy: list[str]) -> Finding:
    return Finding("packages", said, verdict="bad", remedy=remedy, exit_code=USAGE)


def configuration(settings: Settings) -> list[Finding]:
    """Where url and key come from, and who else can read the file."""
    exists = os.path.exists(settings.path)
    source = f"{settings.path}" if exists else f"no {settings.path}"
    profile = f", profile {settings.profile}" if settings.profile else ""
    key = f"key from {settings.sources['api_key']}" if settings.api_key else "no key"
    said = f"{source}{profile}; url from {settings.sources['url']}; {key}"
    found = [Finding("config", said)]
    found += [Finding("config", warning, verdict="warn") for warning in settings.warnings]
    if exists and config.open_to_others(settings.path) and not settings.warnings:
        found[0] = Finding("config", said, verdict="warn", remedy=[f"chmod 600 {settings.path}"])
    return found


def server(client: Client) -> list[Finding]:
    """Whether it answers, is ready, and has the same time."""
    try:
        answer = client.probe("/healthz")
    except QsubmitError as trouble:
        remedy = ["is it running? `qsubmit up --data DIR --port P`", "is QSUBMIT_URL right? it says " + client.url]
        return [Finding.of("server", trouble, remedy=remedy)]
    return [Finding("server", f"{client.url} answers"), *readiness(client), clock(answer), *transport(client)]


def transport(client: Client) -> list[Finding]:
    """A key in clear text over a network."""
    local = ("http://127.", "http://localhost", "http://[::1]")
    if client.url.startswith("https:") or client.url.startswith(local) or not client.settings.api_key:
        return []
    remedy = ["use https, or a tunnel"]
    return [Finding("transport", f"the key travels in clear text to {client.url}", verdict="warn", remedy=remedy)]


def readiness(client: Client) -> list[Finding]:
    """What the server says of its own parts, and which interface it speaks."""
    try:
        health = client.probe("/readyz", welcome=(503,)).document
        version = str(client.probe("/openapi.json").document["info"]["version"])
        parts = ", ".join(f"{name} {state}" for name, state in health["checks"].items())
        said = f"{health['status']}: {parts}"
    except QsubmitError as trouble:
        return [Finding.of("ready", trouble, remedy=["look at the server's log"])]
    except (KeyError, TypeError, AttributeError):
        remedy = [f"is {client.url} a qsubmit server?"]
        return [Finding("ready", "the answer is not ours", verdict="bad", remedy=remedy, exit_code=8)]
    ready = Finding("ready", said)
    if health["status"] != "ok":
        ready = Finding("ready", said, verdict="warn", remedy=["tell the hub's operator which part is not ok"])
    return [ready, interface(version)]


def interface(version: str) -> Finding:
    """The server's interface version; its major number must be the one that this client speaks."""
    if version.split(".", maxsplit=1)[0] == INTERFACE:
        return Finding("interface", f"version {version}")
    said = f"the server speaks version {version}, this client version {INTERFACE}"
    return Finding("interface", said, verdict="warn", remedy=["pip install --upgrade qsubmit"])


def clock(answer: Answer) -> Finding:
    """Deadlines are absolute times, so both clocks should agree."""
    from email.utils import parsedate_to_datetime
    from time import time

    date = answer.headers.get("Date")
    if date is None:
        return Finding("clock", "the server does not say its time", verdict="warn")
    skew = time() - parsedate_to_datetime(date).timestamp()
    if abs(skew) <= SKEW_S:
        return Finding("clock", "agrees with the server's")
    said = f"this machine is {words.span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the server"
    return Finding("clock", said, verdict="warn", remedy=["switch on NTP: timedatectl set-ntp true"])


def key(client: Client) -> list[Finding]:
    """Whether the server takes it."""
    if not client.settings.api_key:
        remedy = ["export QSUBMIT_API_KEY=...; `qsubmit up` writes one to DIR/key"]
        return [Finding("key", "there is no API key", verdict="bad", remedy=remedy, exit_code=3)]
    try:
        page = client.page(limit=1)
    except QsubmitError as trouble:
        remedy = ["ask for a new key, or `qsubmit keys rotate KEY-ID` with another valid one"]
        return [Finding.of("key", trouble, remedy=remedy if exit_code(trouble) == 3 else ())]  # noqa: PLR2004  the table's row
    who = f"; last job of project {page['jobs'][0]['project']}" if page["jobs"] else "; no jobs yet"
    return [Finding("key", f"is accepted{who}")]


def troubled_jobs(client: Client) -> list[Finding]:
    """Jobs that wait for evidence or for an operator."""
    found = []
    for state in STUCK_STATES:
        found += [stuck(job) for job in client.page(state=state, limit=MOST)["jobs"]]
    return found or [Finding("jobs", "none in unknown or attention")]


def job(client: Client, name: str) -> list[Finding]:
    """One job, explained."""
    try:
        view = client.status(name)
    except NotFound as trouble:
        return [Finding.of("job", trouble, remedy=["jobs of other organisations look the same; `qsubmit jobs`"])]
    if view["state"] in STUCK_STATES:
        return [stuck(view)]
    last = view["timeline"][-1]["reason"] if view["timeline"] else ""
    said = f"{name} is {view['state']} for {words.age(view['updated_at'])}" + (f": {last}" if last else "")
    bad = view["state"] == "failed"
    return [Finding("job", said, verdict="warn" if bad else "ok", remedy=[f"qsubmit explain {name}"])]


def stuck(job: Job) -> Finding:
    """What an operator has to find out, and the exact command for either answer."""
    attempt, last = job["attempt"], job["timeline"][-1]["reason"] if job["timeline"] else ""
    where = attempt["device"] if attempt else job["device"]
    said = f"{job['id']} is {job['state']} on {where}" + (f": {last}" if last else "")
    if job["state"] == "unknown":
        remedy = [
            "nobody knows yet whether the vendor has it; a worker is asking, the hold stays",
            "wait a few minutes",
        ]
        return Finding("job", said, verdict="warn", remedy=remedy)
    token = attempt["token"] if attempt else "(none)"
    return Finding(
        "job",
        said,
        verdict="warn",
        remedy=[
            f"look in the vendor's console of {where} for a job named or tagged {token}",
            f"there: qsubmit admin adopt {job['id']} --remote-id ID --reason 'seen in the console'",
            f"not there: qsubmit admin release {job['id']} --reason 'not in the console'",
        ],
    )
