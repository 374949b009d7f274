"""Show jobs as they stand: state, device, cost, time split, and why if something went wrong."""

from __future__ import annotations

from qsubmit.cli import options, terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.shapes import Job


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.job_ids(parser, several=True)
    options.as_json(parser)


def act(args: Namespace) -> int:
    """One block per job."""
    client = options.connect(args)
    jobs = [client.status(job) for job in args.job]
    if args.json:
        terminal.document(jobs[0] if len(jobs) == 1 else {"jobs": jobs})
        return 0
    for number, job in enumerate(jobs):
        if number:
            terminal.out()
        show(job)
    return 0


def show(job: Job) -> None:
    """A block of named lines."""
    terminal.out(f"{terminal.style(job['id'], 'bold')}  {terminal.state(job['state'])}")
    for name, value in facts(job):
        for line in terminal.wrapped(f"  {name:<9}{terminal.clean(value)}", indent=11) if value else ():
            terminal.out(line)


def facts(job: Job) -> list[tuple[str, str]]:
    """Name and value; empty values are not shown."""
    error, last = job["error"], job["timeline"][-1] if job["timeline"] else None
    return [
        ("name", job["name"]),
        ("tags", ", ".join(job["tags"])),
        ("device", job["device"] + (" [sandbox]" if job["sandbox"] else "")),
        ("program", _program(job)),
        ("shots", f"{job['shots']:,}" + (f" at each of {job['points']} points" if job["points"] > 1 else "")),
        ("cost", _cost(job)),
        ("time", _times(job)),
        ("since", f"{words.local(job['updated_at'])} ({words.age(job['updated_at'])} ago)"),
        ("deadline", words.local(job["deadline"]) if job["deadline"] else ""),
        ("vendor", _vendor(job)),
        ("why", last["reason"] if last else ""),
        ("error", f"{error['message']} ({error['code']})" if error else ""),
        ("note", "cancel requested" if job["cancel_requested"] and job["state"] != "cancelled" else ""),
    ]


def _program(job: Job) -> str:
    program = job["program"]
    unit = {"gate": "qubits", "analog": "atoms", "photonic": "modes"}.get(program["paradigm"], "wide")
    depth = f", depth {program['depth']}" if program["depth"] else ""
    return f"{program['format']}, {program['width']} {unit}{depth}, sha256 {program['sha256'][:12]}"


def _cost(job: Job) -> str:
    cost = job["cost"]
    names = ("charged", "quoted") if cost["charged"] is not None else ("quoted", "held")
    amounts = {"charged": cost["charged"], "quoted": cost["quoted"], "held": cost["held"]}
    return ", ".join(f"{words.money(amounts[name], cost['currency'])} {name}" for name in names)


def _times(job: Job) -> str:
    from qsubmit.cli.result_view import times

    return times(job)


def _vendor(job: Job) -> str:
    attempt = job["attempt"]
    if attempt is None or not attempt["remote_id"]:
        return ""
    word = f", {attempt['vendor_status']}" if attempt["vendor_status"] else ""
    place = f", place {attempt['queue_position']}" if attempt["queue_position"] is not None else ""
    return f"{attempt['remote_id']}{word}{place}"
