"""The table, the modules and the logs say the same of each role: granted is what was asked for, and nothing besides."""

import json

import pytest

from drproof import catalog
from drproof.targets.aws.permissions import TABLE as VERBS
from drproof.targets.aws.permissions import needed
from drproof.targets.aws.role_grants import IN_SUBNETS
from drproof.targets.aws.roles import ELSEWHERE, ROLES, TABLE
from tests.roles.asked import RECORDED, recorded
from tests.roles.exceptions import UNSEEN
from tests.roles.granted import actions, declared, one_account, rows, verbs, written
from tests.roles.page import PAGE, page
from tests.roles.record import record
from tests.terraform_here import needs_provider

OF_A_NETWORK = {"function": {IN_SUBNETS.sid: declared(IN_SUBNETS)}}
"""Statements that Lambda needs of a function in subnets; whether it is in any, the module's variables say."""


@pytest.mark.parametrize("role", ROLES)
def test_the_module_has_the_statements_of_the_table_and_no_others(role):
    assert written(role) == rows(role) | OF_A_NETWORK.get(role, {})
    assert rows(role)


@pytest.mark.parametrize("role", ROLES)
def test_no_statement_of_the_table_is_wider_than_its_words(role):
    for grant in TABLE[role]:
        assert grant.needed_by
        assert not [action for action in grant.actions if "*" in action]
        assert [*grant.actions] == sorted(grant.actions)
        whole = {action.partition(":")[2].rstrip("s") for action in grant.actions} if "*" in grant.resources else set()
        # What changes something is bound to a resource, but for a service that knows none.
        assert all(name.startswith(("Describe", "Get", "List")) for name in whole) or grant.sid == "DeliverLogs"


@pytest.mark.parametrize("role", ROLES)
def test_what_is_granted_is_what_was_asked_for_and_each_exception_has_its_reason(role):
    seen, unseen = frozenset(recorded().get(role, {})), frozenset(UNSEEN[role])

    assert sorted(actions(role) - seen - unseen) == [], "granted, and nothing asks for it"
    assert sorted(seen - actions(role)) == [], "asked for, and not granted"
    assert sorted(unseen & seen) == [], "no exception any longer: it was seen"
    assert sorted(unseen - actions(role)) == [], "an exception of nothing"
    assert all(len(reason) > 20 for reason in UNSEEN[role].values())


def test_the_callers_policy_with_terraform_is_enough_for_the_shipped_module():
    settings = one_account()
    allowed = {one.action for one in needed(verbs(), "recovery", settings, provisioner="terraform")}
    by_module = {
        action for action, scenarios in recorded()["builds"].items() if any("module" in name for name in scenarios)
    }

    assert len(by_module) > 30
    assert sorted(by_module - allowed) == []


def test_what_the_function_leaves_to_others_is_what_only_a_teardown_does():
    phases = catalog.plan(catalog.RECOVERY).phases
    of_teardown = {verb for phase in phases if phase.name == "teardown" for verb in phase.uses}
    of_others = {verb for phase in phases if phase.name != "teardown" for verb in phase.uses}

    assert {verb for verb in of_teardown - of_others if VERBS[verb]} == ELSEWHERE


def test_the_page_of_the_roles_is_made_from_table_and_record():
    assert PAGE.read_text(encoding="utf-8") == page(), "next: python -m tests.roles.page > docs/roles.md"


@pytest.mark.exhaustive
@needs_provider
def test_the_record_is_what_the_logs_show(tmp_path):
    assert record(tmp_path) == json.loads(RECORDED.read_text(encoding="utf-8")), (
        "next: python -m tests.roles.record tests/roles/data/asked.json"
    )
