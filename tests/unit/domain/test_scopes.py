"""Does each role have the scopes it needs, and none that it must not have?"""

from __future__ import annotations

import pytest

from broker.domain.scopes import SCOPES_OF, Role, Scope, known


def test_every_role_has_scopes_and_every_scope_has_a_role():
    assert set(SCOPES_OF) == set(Role)
    assert frozenset().union(*SCOPES_OF.values()) == frozenset(Scope)


def test_a_viewer_spends_nothing():
    assert Scope.JOBS_WRITE not in SCOPES_OF[Role.VIEWER]


def test_who_runs_the_service_submits_nothing():
    assert Scope.OPS in SCOPES_OF[Role.OPERATOR]
    assert Scope.JOBS_WRITE not in SCOPES_OF[Role.OPERATOR]


def test_only_an_admin_changes_the_hub():
    assert [role for role, scopes in SCOPES_OF.items() if Scope.HUB_ADMIN in scopes] == [Role.ADMIN]


def test_roles_of_a_project_only_grow():
    assert SCOPES_OF[Role.VIEWER] < SCOPES_OF[Role.MEMBER] < SCOPES_OF[Role.LEAD] < SCOPES_OF[Role.ADMIN]


def test_names_become_scopes_and_unknown_names_are_refused():
    assert known(frozenset({"jobs:read", "ops"})) == {Scope.JOBS_READ, Scope.OPS}
    with pytest.raises(ValueError, match="jobs:steal"):
        known(frozenset({"jobs:steal"}))
