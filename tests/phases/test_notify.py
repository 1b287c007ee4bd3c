"""A message is sent once, and only a definite refusal lets it be sent again."""

import pytest

from drproof.model.errors import NotRunError, TargetError, ThrottledError, UnansweredError
from drproof.phases.recovery.notify import notify
from drproof.phases.recovery.request_manual_approval import request_manual_approval

PHASES = pytest.mark.parametrize("phase", [notify, request_manual_approval], ids=lambda phase: phase.name)


@PHASES
def test_a_message_that_was_never_answered_is_not_sent_again(drill, site, phase):
    site.faults.after["publish"] = UnansweredError("read timed out", code="ReadTimeoutError")

    with pytest.raises(NotRunError, match="not sent twice"):
        drill.attempts(phase, UnansweredError)

    assert len(site.sent) == 1


@PHASES
@pytest.mark.parametrize(
    "refusal",
    [TargetError("no", code="AuthorizationError"), ThrottledError("slower", code="Throttled")],
    ids=lambda error: error.code,
)
def test_a_message_that_was_refused_is_sent_by_the_next_attempt(drill, site, phase, refusal):
    site.faults.before["publish"] = refusal

    seen = drill.attempts(phase, TargetError)

    assert seen.message_id == "message-1"
    assert len(site.sent) == 1


@PHASES
def test_a_message_that_was_accepted_is_not_sent_by_another_attempt(drill, site, phase):
    first = drill.attempt(phase)

    assert drill.attempt(phase).message_id == first.message_id
    assert len(site.sent) == 1


def test_the_status_and_the_request_are_two_messages(drill, site):
    drill.attempt(notify)
    drill.attempt(request_manual_approval)

    assert len(site.sent) == 2
