"""What may an API key do? The names of scopes, and what each role is given."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One right of a key. A key never has a scope that its member's role or the key that made it lacks.

    ``keys:self`` makes, replaces and ends keys of the same member; ``keys:admin`` those of others as well.
    """

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    QUOTES = "quotes"
    DEVICES_READ = "devices:read"
    KEYS_SELF = "keys:self"
    KEYS_ADMIN = "keys:admin"
    OPS = "ops"
    HUB_ADMIN = "hub:admin"


class Role(StrEnum):
    """What a member is in a project.

    A viewer reads; a member submits; a lead also issues keys to others of the project; an operator runs
    the service (pauses, reconciliation, orphans) and submits nothing; an admin changes the hub itself.
    """

    VIEWER = "viewer"
    MEMBER = "member"
    LEAD = "lead"
    OPERATOR = "operator"
    ADMIN = "admin"


_VIEWER = frozenset({Scope.JOBS_READ, Scope.DEVICES_READ, Scope.QUOTES, Scope.KEYS_SELF})
_MEMBER = _VIEWER | {Scope.JOBS_WRITE}
_LEAD = _MEMBER | {Scope.KEYS_ADMIN}
_OPERATOR = _VIEWER | {Scope.OPS}

SCOPES_OF: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.LEAD: _LEAD,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: frozenset(Scope),
}


def known(names: frozenset[str]) -> frozenset[Scope]:
    """The scopes with these names.

    Raises:
        ValueError: a name is no scope.
    """
    return frozenset(Scope(name) for name in names)
