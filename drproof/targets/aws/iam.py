"""What the caller of one site may do there, as IAM simulates it; where it may not be asked, the caller's policies."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from drproof.analysis.iam import meeting, worst
from drproof.formats.strict_json import parse
from drproof.model.errors import FormatError, TargetError
from drproof.model.readiness import Decision, DecisionWord, PermissionsSeen
from drproof.model.receipt import Caller
from drproof.targets.aws.errors import failure, translated
from drproof.targets.aws.permissions import Permission

SIMULATED = "simulated"
WORDS: Mapping[str, DecisionWord] = {
    "allowed": "allowed",
    "explicitDeny": "explicit_deny",
    "implicitDeny": "implicit_deny",
}
REFUSED = frozenset({"AccessDenied", "AccessDeniedException"})
MOST_ACTIONS = 50
"""How many actions one simulation is asked about; its answers come in pages all the same."""

Needs: TypeAlias = Callable[[Iterable[str], str], tuple[Permission, ...]]
"""Returns the actions behind capability verbs, given the provisioner."""


class AwsPermissions:
    """The caller of one site, and what IAM says of it."""

    def __init__(self, client: Any, caller: Callable[[], Caller], needs: Needs) -> None:  # noqa: ANN401 — the SDK's
        """Ask through `client` about whoever `caller` returns; `needs` says which actions verbs stand for."""
        self._client = client
        self._caller = caller
        self._needs = needs

    def look(self, verbs: Iterable[str], *, provisioner: str) -> PermissionsSeen:
        """Return what becomes of every action; `status` says why it was not simulated.

        Raises:
            TargetError: the platform does not answer.
        """
        wanted = self._needs(verbs, provisioner)
        caller = self._caller()
        principal = self._principal(caller.arn)
        if not principal:
            return PermissionsSeen(principal=caller.arn, status="NoPrincipal", decisions=nobody_knows(wanted))
        try:
            decisions = simulated_each(self._client, principal, wanted)
        except TargetError as exc:
            if exc.code not in REFUSED:
                raise
            return PermissionsSeen(
                principal=principal,
                status=exc.code,
                decisions=nobody_knows(wanted),
                documents=self._documents(principal),
            )
        return PermissionsSeen(principal=principal, status=SIMULATED, decisions=decisions)

    def _principal(self, arn: str) -> str:
        """Return the user or role behind a caller; "" for one that IAM cannot simulate, such as an account's root."""
        head, _, name = arn.partition("/")
        if head.endswith(":user"):
            return arn
        if not head.endswith(":assumed-role"):
            return ""
        role = name.partition("/")[0]
        try:
            with translated("iam:GetRole", role):
                return str(self._client.get_role(RoleName=role)["Role"]["Arn"])
        except TargetError as exc:
            if exc.code not in REFUSED:
                raise
        # Most roles have no path; the ARN of one that has one cannot be known without asking.
        return f"{head.replace(':sts:', ':iam:').removesuffix(':assumed-role')}:role/{role}"

    def _documents(self, principal: str) -> tuple[Mapping[str, Any], ...]:
        """Return the identity policies of a role or user that may be read; none when any may not: half is no basis."""
        kind, _, path = principal.rpartition(":")[2].partition("/")
        name = path.rpartition("/")[2]
        try:
            return tuple(self._read(kind, name))
        except TargetError as exc:
            if exc.code not in REFUSED:
                raise
            return ()

    def _read(self, kind: str, name: str) -> Iterator[Mapping[str, Any]]:
        of = {f"{kind.capitalize()}Name": name}
        for policy in self._all(f"list_{kind}_policies", "PolicyNames", of):
            with translated(f"iam:Get{kind.capitalize()}Policy", name):
                answer = getattr(self._client, f"get_{kind}_policy")(**of, PolicyName=policy)
            yield _document(answer["PolicyDocument"], policy)
        for attached in self._all(f"list_attached_{kind}_policies", "AttachedPolicies", of):
            arn = attached["PolicyArn"]
            with translated("iam:GetPolicy", arn):
                version = self._client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            with translated("iam:GetPolicyVersion", arn):
                answer = self._client.get_policy_version(PolicyArn=arn, VersionId=version)
            yield _document(answer["PolicyVersion"]["Document"], arn)
        if kind == "user":
            # Groups give users more; whoever does not read them all must not conclude that something is missing.
            with translated("iam:ListGroupsForUser", name):
                groups = self._client.list_groups_for_user(UserName=name)["Groups"]
            for group in groups:
                yield from self._read("group", group["GroupName"])

    def _all(self, method: str, member: str, request: Mapping[str, Any]) -> Iterator[Any]:
        call = "iam:" + "".join(word.capitalize() for word in method.split("_"))
        pages = iter(self._client.get_paginator(method).paginate(**request))
        while True:
            with translated(call, next(iter(request.values()))):
                page = next(pages, None)
            if page is None:
                return
            yield from page[member]


def simulated_each(
    client: Any,  # noqa: ANN401 — the SDK's
    principal: str,
    wanted: Iterable[Permission],
) -> tuple[Decision, ...]:
    """Return what becomes of each permission of a principal, in a call that carries what its condition asks for.

    Raises:
        TargetError: the caller may not ask, or the platform does not answer.
    """
    together: dict[tuple[str, str], list[Permission]] = defaultdict(list)
    for one in wanted:
        together[one.resource, repr(one.condition)].append(one)
    found: list[Decision] = []
    for (resource, _), alike in together.items():
        actions = [one.action for one in alike]
        heard = [simulated(client, principal, resource, actions, carried) for carried in meeting(alike[0].condition)]
        found += [_decision(one, worst(words[one.action] for words in heard)) for one in alike]
    return tuple(found)


def nobody_knows(wanted: Iterable[Permission]) -> tuple[Decision, ...]:
    """Return that nobody can say what becomes of each."""
    return tuple(_decision(one, "unknown") for one in wanted)


def _decision(one: Permission, word: DecisionWord) -> Decision:
    return Decision(verb=one.verb, action=one.action, resource=one.resource, decision=word, condition=one.condition)


def simulated(
    client: Any,  # noqa: ANN401 — the SDK's
    principal: str,
    resource: str,
    actions: Sequence[str],
    context: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, DecisionWord]:
    """Return what becomes of each action of a principal on a resource, where calls carry these values of keys.

    Raises:
        TargetError: the caller may not ask, or the platform does not answer.
    """
    found: dict[str, DecisionWord] = {}
    for first in range(0, len(actions), MOST_ACTIONS):
        batch = actions[first : first + MOST_ACTIONS]
        said = {row["EvalActionName"].lower(): row for row in _asked(client, principal, resource, batch, context or {})}
        found |= {action: _word(said.get(action.lower())) for action in batch}
    return found


def _asked(
    client: Any,  # noqa: ANN401 — the SDK's
    principal: str,
    resource: str,
    actions: Sequence[str],
    context: Mapping[str, Iterable[str]],
) -> Iterator[Mapping[str, Any]]:
    request: dict[str, Any] = {
        "PolicySourceArn": principal,
        "ActionNames": list(actions),
        "ResourceArns": [resource],
    }
    if context:
        request["ContextEntries"] = [
            {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": list(values)}
            for key, values in sorted(context.items())
        ]
    while True:
        with translated("iam:SimulatePrincipalPolicy", principal):
            answer = client.simulate_principal_policy(**request)
        yield from answer["EvaluationResults"]
        if not answer.get("IsTruncated"):
            return
        request["Marker"] = answer["Marker"]


def _word(row: Mapping[str, Any] | None) -> DecisionWord:
    """Return a decision in our words; a denial that hangs on a value which nobody gave is none."""
    if row is None:
        return "unknown"
    word = WORDS.get(str(row.get("EvalDecision")), "unknown")
    return "unknown" if word == "implicit_deny" and row.get("MissingContextValues") else word


def _document(found: object, name: str) -> Mapping[str, Any]:
    """Return a policy document, which the SDK has parsed already or leaves as it came."""
    if isinstance(found, Mapping):
        return found
    try:
        document = parse(unquote(str(found)).encode(), fractions=True)
    except FormatError as exc:
        raise failure("iam:GetPolicy", name, "InvalidPolicy", str(exc)) from exc
    return document if isinstance(document, dict) else {}
