"""People hear of the drill, and somebody can approve it."""

from dataclasses import replace

from drproof.formats.arns import region_of
from drproof.model.contract import contract
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_people import PeopleObserved

People = Receipt[PeopleObserved]
GONE = frozenset({"NotFound", "NotFoundException", "InvalidParameter"})
"""The codes with which a topic is not there."""


@contract(
    needs=["read_people"],
    applies=lambda criteria: criteria.notification_expected,
    controls=["NIST CP-2(1)", "NIST IR-6"],
)
def somebody_hears_the_topic(read_people: People) -> Finding:
    """The topic that people are told on is there and has at least one confirmed subscription."""
    facts = read_people.facts
    if facts.status != "ok" and facts.status not in GONE:
        return undecided(
            f"{facts.topic} could not be read: {facts.status}\n  next: allow sns:GetTopicAttributes to the drill's role"
        )
    return hold(
        facts.status == "ok" and facts.confirmed > 0,
        observed={"status": facts.status, "confirmed": facts.confirmed, "pending": facts.pending},
        expected={"status": "ok", "confirmed": "at least 1"},
        reason=f"nobody would be told: {facts.topic} has {facts.confirmed} confirmed subscriptions and {facts.pending} "
        f"that wait for their confirmation\n  next: aws sns subscribe --region {region_of(facts.topic)} --topic-arn "
        f"{facts.topic} --protocol email --notification-endpoint <address>, then confirm it from the mailbox",
    )


@somebody_hears_the_topic.sabotage("nobody has confirmed a subscription")
def unheard(read_people: People) -> People:
    """Let nobody listen."""
    return replace(read_people, observed=replace(read_people.facts, confirmed=0))


@somebody_hears_the_topic.sabotage("there is no such topic")
def no_topic(read_people: People) -> People:
    """Lose the topic."""
    return replace(read_people, observed=replace(read_people.facts, status="NotFound"))


@contract(needs=["read_people"], controls=["NIST CP-2", "NIST AC-5"])
def somebody_can_approve(read_people: People) -> Finding:
    """At least one approver is known: a key in the named trust file, or a name where no trust file is named."""
    approvers = list(read_people.facts.approvers)
    return hold(
        len(approvers) > 0,
        observed={"approvers": approvers},
        expected={"approvers": "at least one"},
        reason="nobody could decide about the drill\n  next: drproof keys init <folder> --role approver on the "
        "approver's own machine, enter the key in the trust file; without one, set promotion.approver",
    )


@somebody_can_approve.sabotage("nobody is an approver")
def nobody(read_people: People) -> People:
    """Let nobody approve."""
    return replace(read_people, observed=replace(read_people.facts, approvers=()))
