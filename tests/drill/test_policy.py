"""The policy that `drproof policy` prints is enough: an honest drill makes no call that it does not allow."""

from drproof import catalog
from drproof.engine.criteria import settings_of
from drproof.engine.readiness import verbs_of
from drproof.engine.settings import resolve
from drproof.targets.aws.grants import SIDES
from drproof.targets.aws.permissions import needed
from tests.roles.asked import actions_of
from tests.roles.test_missing import FOUND_ONE_BY_ONE


def allowed_to(provisioner):
    """Return what the policy of the drill's caller allows, as account and action."""
    settings = settings_of(resolve({"target": "embedded"}, {}, None), no_retry=False)
    verbs = verbs_of(catalog.plan("recovery"), settings)
    return {
        (site.account_id, one.action)
        for side, site in zip(SIDES, (settings.sites.primary, settings.sites.recovery), strict=True)
        for one in needed(verbs, side, settings, provisioner=provisioner)
    }


def made_by(calls):
    """Return what was asked for, as account and action."""
    return {(call["account"], action) for call in calls for action in actions_of(call)}


def test_every_call_of_a_drill_is_one_that_the_policy_allows(green):
    made = made_by(green.calls)

    assert len(made) > 10, "a drill asks for a lot"
    # No machine of the embedded world has a profile, so no role is passed to one.
    lacking = made - allowed_to(green.receipts["bringup"]["observed"]["provisioner"])
    assert sorted(action for _, action in lacking if action != "iam:PassRole") == []


def test_what_the_builds_role_lacks_is_one_answer_and_the_caller_is_not_asked_for_it(injected):
    drill = injected("preflight-builds-denied")

    verdict = drill.verdicts["role_may_do_what_it_is_for[builds]"]
    assert verdict["status"] == "refuted", drill.output
    assert verdict["observed"]["missing"] == list(FOUND_ONE_BY_ONE)
    assert all(action in drill.output for action in FOUND_ONE_BY_ONE)
    assert "arn:aws:iam::444455556666:role/atlas-dr-infra, the role of builds" in verdict["reason"]
    callers = {name for name in drill.named("proven") if name.startswith("caller_may_do")}
    assert callers == {"caller_may_do_what_a_drill_does[primary]", "caller_may_do_what_a_drill_does[recovery]"}


def test_what_the_caller_lacks_is_one_answer(injected):
    verdict = injected("preflight-iam-denied").verdicts["caller_may_do_what_a_drill_does[recovery]"]

    assert verdict["observed"]["missing"] == [*FOUND_ONE_BY_ONE, "sns:Publish"]
