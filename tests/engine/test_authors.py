"""Who acted in a phase is asked for patiently, and a receipt without its author says why."""

import pytest

from drproof.engine.authors import author
from drproof.engine.patience import Patience
from drproof.model.errors import TargetError, ThrottledError
from drproof.model.receipt import Caller, Outcome
from drproof.model.settings import Limits
from tests.phases.site import Ticking

ADA = Caller(arn="arn:aws:iam::444455556666:user/ada", account_id="444455556666", region="us-west-2")


def asked(*answers):
    left = list(answers)

    def ask():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return author(ask, Patience(limits=Limits(), clock=Ticking()))


def test_a_moments_silence_leaves_no_receipt_without_its_author():
    found = asked(ThrottledError("Rate exceeded", code="Throttling"), ADA)

    assert (found.caller, found.told_with(Outcome.PASSED)) == (ADA, "")


@pytest.mark.parametrize(
    ("outcome", "told"),
    [(Outcome.PASSED, "nobody could say who acted: sts:GetCallerIdentity: AccessDenied"), (Outcome.FAILED, "")],
)
def test_a_receipt_without_its_author_says_why_unless_it_has_a_reason_of_its_own(outcome, told):
    found = asked(TargetError("sts:GetCallerIdentity: AccessDenied\n  next: allow it", code="AccessDenied"))

    assert (found.caller, found.told_with(outcome)) == (None, told)
