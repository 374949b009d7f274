"""What is stored? Times are Unix microseconds, money is integer micro-units, JSON is text; ids are text UUIDs."""

# Over 300 lines: one list that is read as a whole; splitting it would only hide rows.
from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(64)
Name = String(256)
Serial = BigInteger().with_variant(Integer, "sqlite")

hubs = Table(
    "hubs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", Name, nullable=False, unique=True),
    Column("name", Name, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("source", Text, nullable=False),
)
agreements = Table(
    "agreements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hub_id", Id, ForeignKey("hubs.id"), nullable=False, index=True),
    Column("pattern", Name, nullable=False),
    Column("source", Text, nullable=False),
    Column("starts", BigInteger),
    Column("ends", BigInteger),
)
organisations = Table(
    "organisations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hub_id", Id, ForeignKey("hubs.id"), nullable=False, index=True),
    Column("slug", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("shares", Integer, nullable=False),
    Column("source", Text, nullable=False),
    UniqueConstraint("hub_id", "slug"),
)
projects = Table(
    "projects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organisation_id", Id, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("slug", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("shares", Integer, nullable=False),
    Column("allow_resubmit", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("organisation_id", "slug"),
)
members = Table(
    "members",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project_id", Id, ForeignKey("projects.id"), nullable=False, index=True),
    Column("name", Name, nullable=False),
    Column("role", Name, nullable=False),
    Column("shares", Integer, nullable=False),
    UniqueConstraint("project_id", "name"),
)
budgets = Table(
    "budgets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("parent_id", Id, ForeignKey("budgets.id")),
    Column("owner", Name, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("limit_micros", BigInteger),
    Column("held", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    # The last wall: whatever a bug or a race does above, the database refuses an overspent budget.
    CheckConstraint("limit_micros IS NULL OR held + spent <= limit_micros", name="within_limit"),
    CheckConstraint("held >= 0 AND spent >= 0", name="not_negative"),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("member_id", Id, ForeignKey("members.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Name, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("parent_id", Id, ForeignKey("api_keys.id"), index=True),
    # A column and not the key's own id: a successor goes on spending from the budget of the key that it replaces.
    Column("budget_id", Id, ForeignKey("budgets.id")),
)
devices = Table(
    "devices",
    metadata,
    Column("name", Name, primary_key=True),
    Column("backend", Name, nullable=False, index=True),
    Column("recovery", Name, nullable=False),
    Column("body", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("specs", String(64)),
)
specs = Table(
    "specs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("device", Name, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
prices = Table(
    "prices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("device", Name, nullable=False, index=True),
    Column("currency", String(3), nullable=False),
    Column("per_task", BigInteger, nullable=False),
    Column("per_shot", BigInteger, nullable=False),
    Column("per_second", BigInteger, nullable=False),
    Column("minimum_ms", BigInteger, nullable=False),
    Column("terms", Text),
    Column("withdrawn", Boolean, nullable=False, server_default=text("false")),
    Column("as_of", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("origin", Name, nullable=False),
)
rates = Table(
    "rates",
    metadata,
    Column("id", Id, primary_key=True),
    Column("base", String(3), nullable=False),
    Column("quote", String(3), nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
)
pauses = Table(
    "pauses",
    metadata,
    Column("scope", Name, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("until", BigInteger),
    Column("at", BigInteger, nullable=False),
)
programs = Table(
    "programs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("format", Name, nullable=False),
    Column("source", Text, nullable=False),
    Column("requirement", Text, nullable=False),
    Column("removed_at", BigInteger),  # then the source is empty
)
decisions = Table(
    "decisions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("snapshot_id", String(64), nullable=False, index=True),
    Column("body", Text, nullable=False),  # empty where it is packed; whole in rows of release 0002 and before
    Column("packed", LargeBinary),
)
# Of release 0002 and before: whole texts, read and no longer written.
snapshots = Table(
    "snapshots",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("body", Text, nullable=False),
)
# A snapshot's own text; ``parts`` names the part that lists the hashes of what it shares with others.
cut_snapshots = Table(
    "cut_snapshots",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("packed", LargeBinary, nullable=False),
    Column("parts", String(64), nullable=False),
)
parts = Table(
    "parts",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("packed", LargeBinary, nullable=False),
)
jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hub_id", Id, nullable=False),
    Column("organisation_id", Id, nullable=False),
    Column("project_id", Id, nullable=False),
    Column("member_id", Id, nullable=False),
    Column("name", Name, nullable=False),
    Column("tags", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("device", Name, nullable=False),
    Column("backend", Name, nullable=False),
    Column("program", String(64), nullable=False),
    Column("shots", BigInteger, nullable=False),
    Column("points", Text, nullable=False),
    Column("seed", BigInteger),
    Column("options", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("quoted", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("charged", BigInteger),
    Column("price_id", Id, nullable=False),
    Column("rate_id", Id),
    Column("decision_id", String(64), nullable=False),
    Column("budgets", Text, nullable=False),
    Column("sandbox", Boolean, nullable=False),
    Column("idempotency_key", Name),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deadline", BigInteger),
    Column("due_at", BigInteger),
    Column("lease_owner", Name),
    Column("lease_until", BigInteger),
    Column("fence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("remote_id", Name),
    Column("cancel_requested", Boolean, nullable=False),
    Column("error_code", Name),
    Column("error", Text),
    Column("run_ms", BigInteger),
    Column("trace", Name),
    Column("turn_micros", BigInteger, nullable=False, server_default="0"),
    # Whose run it is now: no other host can look at it. None where a vendor has it, and while it waits here.
    Column("host", Id),
    UniqueConstraint("project_id", "idempotency_key"),
    # The host last: when the next look is due is then answered from the index alone.
    Index(
        "ix_jobs_due",
        "backend",
        "state",
        "due_at",
        "host",
        postgresql_where=text("due_at IS NOT NULL"),
        sqlite_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_jobs_line",
        "device",
        "state",
        "member_id",
        "id",
        postgresql_where=text("due_at IS NOT NULL"),
        sqlite_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_jobs_deadline",
        "deadline",
        postgresql_where=text("deadline IS NOT NULL AND due_at IS NOT NULL"),
        sqlite_where=text("deadline IS NOT NULL AND due_at IS NOT NULL"),
    ),
    Index(
        "ix_jobs_cancelled",
        "backend",
        postgresql_where=text("cancel_requested IS true AND due_at IS NOT NULL"),
        sqlite_where=text("cancel_requested IS 1 AND due_at IS NOT NULL"),
    ),
    Index(
        "ix_jobs_unheld",
        "backend",
        postgresql_where=text("held != quoted AND due_at IS NOT NULL"),
        sqlite_where=text("held != quoted AND due_at IS NOT NULL"),
    ),
    Index(
        "ix_jobs_attention",
        "hub_id",
        "id",
        postgresql_where=text("state = 'attention' AND due_at IS NOT NULL"),
        sqlite_where=text("state = 'attention' AND due_at IS NOT NULL"),
    ),
    # Of ended jobs: admission does not pay for what only retention asks.
    Index(
        "ix_jobs_ended_program",
        "program",
        postgresql_where=text("due_at IS NULL"),
        sqlite_where=text("due_at IS NULL"),
    ),
    Index(
        "ix_jobs_ended_decision",
        "decision_id",
        postgresql_where=text("due_at IS NULL"),
        sqlite_where=text("due_at IS NULL"),
    ),
    Index("ix_jobs_project", "organisation_id", "project_id", "id"),
)
attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("device", Name, nullable=False),
    Column("backend", Name, nullable=False),
    Column("token", Name, nullable=False),
    Column("intent_at", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("remote_id", Name),
    Column("word", Name),
    Column("queue_position", Integer),
    Column("ended", Name),
    Column("detail", Text, nullable=False),
    Column("absences", Integer, nullable=False),
    Column("absent_at", BigInteger),
    Column("unwanted_at", BigInteger),
    Column("usage", Text),
    Column("host", Id),
    Index("ix_attempts_remote", "backend", "remote_id"),
)
events = Table(
    "events",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("job_id", Id, nullable=False, index=True),
    Column("organisation_id", Id, nullable=False),
    Column("backend", Name, nullable=False),
    Column("before", String(16)),
    Column("after", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)
results = Table(
    "results",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id"), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),  # then the body is empty
)
retention = Table(
    "retention",
    metadata,
    Column("hub_id", Id, ForeignKey("hubs.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("days", Integer, nullable=False),
    Column("done", Id, nullable=False),
    Column("removed", BigInteger, nullable=False, server_default="0"),
)
legal_holds = Table(
    "legal_holds",
    metadata,
    Column("subject", String(16), primary_key=True),
    Column("subject_id", Id, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
removals = Table(
    "removals",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
)
entries = Table(
    "entries",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("account", Name, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("kind", Name, nullable=False),
    Column("job_id", Id, index=True),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
charges = Table(
    "charges",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("hub_id", Id, nullable=False),
    Column("organisation_id", Id, nullable=False, index=True),
    Column("project_id", Id, nullable=False),
    Column("member_id", Id, nullable=False),
    Column("device", Name, nullable=False),
    Column("backend", Name, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("remote_id", Name),
    Column("usage", Text),
    Column("components", Text, nullable=False),
    Column("price_id", Id, nullable=False),
    Column("rate_id", Id),
    Column("contract_currency", String(3), nullable=False),
    Column("contract", BigInteger, nullable=False),
    Column("list_currency", String(3), nullable=False),
    Column("listed", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("billed", BigInteger, nullable=False),
    Column("loss", BigInteger, nullable=False),
    Column("counter", Name),
    Column("month", String(7)),
    Column("counted_from", BigInteger),
    Column("counted", BigInteger),
    Column("ended_at", BigInteger, nullable=False),
    Column("booked_at", BigInteger, nullable=False, index=True),
)
counters = Table(
    "counters",
    metadata,
    Column("name", Name, primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("used", BigInteger, nullable=False),
)
tier_holds = Table(
    "tier_holds",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("counter", Name, nullable=False, index=True),
    Column("counts", BigInteger, nullable=False),
)
# The table's first name stays: a release before reads it while this one works. Usage is what a job consumed.
decayed_spend = Table(
    "usage",
    metadata,
    Column("scope", Id, primary_key=True),
    Column("micros", BigInteger, nullable=False),
    Column("as_of", BigInteger, nullable=False),
)
leases = Table(
    "leases",
    metadata,
    Column("name", Name, primary_key=True),
    Column("owner", Name),
    Column("until", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("last_success", BigInteger),
)
clocks = Table(
    "clocks",
    metadata,
    Column("boot", Id, primary_key=True),
    Column("hub", BigInteger, nullable=False),
    Column("uptime", BigInteger, nullable=False),
)
orphans = Table(
    "orphans",
    metadata,
    Column("backend", Name, primary_key=True),
    Column("remote_id", Name, primary_key=True),
    Column("device", Name),
    Column("seen_at", BigInteger, nullable=False),
    Column("currency", String(3)),
    Column("loss", BigInteger),
)
audit = Table(
    "audit",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    sqlite_autoincrement=True,
)
# Sums that are too dear to be computed anew: how many moves, how long, how much (store/counts.py).
counts = Table(
    "counts",
    metadata,
    Column("edition", String(8), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
findings = Table(
    "findings",
    metadata,
    Column("invariant", String(64), primary_key=True),
    Column("checked_at", BigInteger, nullable=False),
    Column("violations", BigInteger, nullable=False),
    Column("sample", Text, nullable=False),
)
walls = Table(
    "walls",
    metadata,
    Column("machine", Name, primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("stands", BigInteger, nullable=False),
    Column("means", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
breakers = Table(
    "breakers",
    metadata,
    Column("scope", Name, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("trips", Integer, nullable=False),
    Column("open_until", BigInteger),
    Column("reason", Text, nullable=False),
    Column("probing", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
)
spoiled = Table(
    "spoiled",
    metadata,
    Column("place", Name, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
hosts = Table(
    "hosts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("machine", Name, nullable=False),
    Column("boot", Id, nullable=False),
    Column("version", Name, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
    Column("cores", Integer, nullable=False),
    Column("free_cores", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("free_memory_bytes", BigInteger, nullable=False),
    Column("devices", Text, nullable=False),
)
