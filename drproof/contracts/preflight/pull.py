"""The recovery cluster will be able to pull the image."""

from dataclasses import replace

from drproof.formats.timestamps import milliseconds
from drproof.model.contract import contract
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.preflight.try_pull_secret import PullTried

Tried = Receipt[PullTried]


@contract(
    needs=["try_pull_secret"], applies=lambda criteria: criteria.preflight.login_expected, controls=["NIST CP-10"]
)
def pull_login_outlives_the_drill(try_pull_secret: Tried, criteria: Criteria) -> Finding:
    """The registry gives a login, and it lives longer than a drill and its teardown are expected to take."""
    facts, wanted = try_pull_secret.facts, criteria.preflight.credentials_ms
    lives = milliseconds(facts.expires_at) - milliseconds(facts.asked_at) if facts.expires_at else 0
    return hold(
        facts.login == "ok" and lives >= wanted,
        observed={"login": facts.login, "expires_at": facts.expires_at, "lives_ms": lives},
        expected={"login": "ok", "lives_ms": f"at least {wanted}"},
        reason=f"a pull from {facts.registry} would fail during a drill\n  next: allow ecr:GetAuthorizationToken to "
        "the drill's role at the recovery site; a registry of your own must give logins that live longer",
    )


@pull_login_outlives_the_drill.sabotage("the registry gives no login")
def no_login(try_pull_secret: Tried) -> Tried:
    """Refuse the caller."""
    return replace(try_pull_secret, observed=replace(try_pull_secret.facts, login="AccessDeniedException"))


@pull_login_outlives_the_drill.sabotage("the login has ended")
def ended(try_pull_secret: Tried) -> Tried:
    """Let it end as it is given."""
    facts = try_pull_secret.facts
    return replace(try_pull_secret, observed=replace(facts, expires_at=facts.asked_at))


@contract(
    needs=["try_pull_secret"], applies=lambda criteria: criteria.preflight.cluster_expected, controls=["NIST CP-10"]
)
def cluster_would_take_the_pull_secret(try_pull_secret: Tried) -> Finding:
    """The operator's own cluster says that it would take the pull secret."""
    facts = try_pull_secret.facts
    if facts.cluster == "none":
        return undecided(
            "the cluster was not asked: there was no login to ask it with\n  next: see the login's own claim"
        )
    return compare(
        observed=facts.cluster,
        expected="ok",
        reason="the cluster of cluster.kubeconfig does not take the pull secret\n  next: let its user create Secrets "
        "in the namespace, or mend cluster.kubeconfig, cluster.namespace and cluster.pull_secret",
    )


@cluster_would_take_the_pull_secret.sabotage("the cluster refuses the secret")
def refused(try_pull_secret: Tried) -> Tried:
    """Refuse it."""
    return replace(try_pull_secret, observed=replace(try_pull_secret.facts, cluster="Forbidden"))
