"""What `drproof.analysis.iam` must say of policy documents, on both sides of where it turns."""

from collections.abc import Mapping
from typing import Any

from tests.contracts.checks import House
from tests.contracts.reasoning import reasoning

ACTION, RESOURCE = "s3:GetObject", "arn:aws:s3:::atlas/drills/*"


def _decide(house: House, *statements: Any, action: str = ACTION, resource: str = RESOURCE) -> str:
    found: str = house.modules["iam"].decide([{"Statement": list(statements)}], action, resource)
    return found


def _statement(effect: str = "Allow", action: Any = ACTION, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


@reasoning
def an_action_is_allowed_only_by_what_names_it(house: House) -> None:
    assert _decide(house) == "implicit_deny"
    assert house.modules["iam"].decide([], ACTION, RESOURCE) == "implicit_deny"
    assert _decide(house, _statement()) == "allowed"
    assert _decide(house, _statement(action="s3:PutObject")) == "implicit_deny"
    assert _decide(house, _statement(resource="arn:aws:s3:::other/*")) == "implicit_deny"
    assert _decide(house, _statement(action=["sns:Publish", ACTION])) == "allowed"
    assert _decide(house, _statement(action=[])) == "implicit_deny"
    assert _decide(house, _statement(resource=["arn:aws:s3:::other", RESOURCE])) == "allowed"
    one = {"Statement": _statement()}
    assert house.modules["iam"].decide([one], ACTION, RESOURCE) == "allowed"
    assert house.modules["iam"].decide([{"Statement": []}, one], ACTION, RESOURCE) == "allowed"


@reasoning
def wildcards_stand_for_any_text_and_actions_have_no_case(house: House) -> None:
    for pattern in ("*", "s3:*", "s3:Get*", "S3:GETOBJECT", "s3:?etObject", "s3:GetObject*"):
        assert _decide(house, _statement(action=pattern)) == "allowed", pattern
    for pattern in ("s3:Get", "s3:?GetObject", "s3.GetObject", "s3:GetObject?", "sns:*"):
        assert _decide(house, _statement(action=pattern)) == "implicit_deny", pattern
    assert _decide(house, _statement(resource="arn:aws:s3:::atlas/*")) == "allowed"
    assert _decide(house, _statement(resource="arn:aws:s3:::ATLAS/*")) == "implicit_deny"
    assert _decide(house, _statement(resource="arn:aws:s3:::atlas/*"), resource="arn:aws:s3:::atlas/a\nb") == "allowed"
    assert _decide(house, _statement(resource=RESOURCE), resource="*") == "implicit_deny"


@reasoning
def a_denial_counts_before_whatever_allows(house: House) -> None:
    assert _decide(house, _statement(), _statement("Deny")) == "explicit_deny"
    assert _decide(house, _statement("Deny"), _statement()) == "explicit_deny"
    assert _decide(house, _statement(), _statement("Deny", action="s3:PutObject")) == "allowed"
    assert _decide(house, _statement("Deny")) == "explicit_deny"
    assert _decide(house, _statement("Deny", action="s3:PutObject")) == "implicit_deny"


@reasoning
def what_a_statement_leaves_out_is_the_rest(house: House) -> None:
    but = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert _decide(house, but) == "allowed"
    assert _decide(house, but, action="iam:GetRole") == "implicit_deny"
    elsewhere = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::atlas/*"}
    assert _decide(house, _statement(), elsewhere) == "allowed"
    assert _decide(house, _statement(), elsewhere, resource="arn:aws:s3:::other") == "explicit_deny"


@reasoning
def what_is_not_understood_decides_nothing_for_either_side(house: House) -> None:
    bound: dict[str, Any] = {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}}
    assert _decide(house, _statement(**bound)) == "unknown"
    assert _decide(house, _statement(Condition={})) == "allowed"
    assert _decide(house, _statement(), _statement(**bound)) == "allowed"
    assert _decide(house, _statement(), _statement("Deny", **bound)) == "unknown"
    assert _decide(house, _statement("Deny"), _statement("Deny", **bound)) == "explicit_deny"
    assert _decide(house, _statement("Deny", **bound)) == "unknown"
    assert _decide(house, _statement(action="s3:PutObject", **bound)) == "implicit_deny"
    named = "arn:aws:s3:::${aws:username}/drills/*"
    assert _decide(house, _statement(resource=named)) == "unknown"
    assert _decide(house, _statement(resource="arn:aws:sns:::${aws:username}")) == "implicit_deny"
    assert _decide(house, {"Effect": "Allow", "Action": "*", "NotResource": named}) == "unknown"


def _carrying(house: House, carried: Mapping[str, tuple[str, ...]], condition: Any, effect: str = "Allow") -> str:
    """Return what is decided of a call that carries this, by one statement with this condition."""
    statements = [_statement(effect, Condition=condition)]
    if effect == "Deny":
        statements.append(_statement())
    found: str = house.modules["iam"].decide([{"Statement": statements}], ACTION, RESOURCE, carried)
    return found


@reasoning
def a_condition_decides_by_what_the_call_carries(house: House) -> None:
    equals = {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ssm.amazonaws.com"]}}
    for value, said in (("ec2.amazonaws.com", "allowed"), ("ssm.amazonaws.com", "allowed"), ("ec2", "implicit_deny")):
        assert _carrying(house, {"IAM:passedtoservice": (value,)}, equals) == said, value
    assert _carrying(house, {}, equals) == "unknown"
    assert _carrying(house, {"iam:PassedToService": ()}, equals) == "implicit_deny"
    assert (
        _carrying(house, {"iam:PassedToService": ("a.*",)}, {"StringEquals": {"iam:PassedToService": "a.*"}})
        == "allowed"
    )
    assert (
        _carrying(house, {"iam:PassedToService": ("a.b",)}, {"StringEquals": {"iam:PassedToService": "a.*"}})
        != "allowed"
    )
    assert (
        _carrying(house, {"iam:PassedToService": ("a.b",)}, {"StringLike": {"iam:PassedToService": "a.*"}}) == "allowed"
    )
    assert _carrying(house, {"k": ("v1",)}, {"StringLike": {"k": "V*"}}) == "implicit_deny"
    assert _carrying(house, {"k": ("v",)}, {"StringEquals": {"k": [7]}}) == "unknown"
    assert _carrying(house, {"k": ("v",)}, {"StringEquals": {"k": "${aws:username}"}}) == "unknown"
    assert _carrying(house, {"k": ("v",)}, {"StringEquals": {"k": []}}) == "implicit_deny"
    assert _carrying(house, {"k": ("v",)}, {"StringNotEquals": {"k": "w"}}) == "unknown"
    assert _carrying(house, {"k": ("v",)}, {"StringEquals": "text"}) == "unknown"
    assert _carrying(house, {"k": ("v",)}, "text") == "unknown"
    assert _carrying(house, {"a": ("v",), "b": ("v",)}, {"StringEquals": {"a": "v", "b": "w"}}) == "implicit_deny"
    assert _carrying(house, {"a": ("v",)}, {"StringEquals": {"a": "v", "b": "w"}}) == "unknown"
    assert _carrying(house, {"k": ("v",)}, {"StringEquals": {"k": "v"}}, "Deny") == "explicit_deny"
    assert _carrying(house, {"k": ("w",)}, {"StringEquals": {"k": "v"}}, "Deny") == "allowed"
    assert _carrying(house, {}, {"StringEquals": {"k": "v"}}, "Deny") == "unknown"


@reasoning
def a_key_that_is_not_there_is_told_from_one_that_nobody_knows(house: House) -> None:
    marked, unmarked = {"Null": {"aws:ResourceTag/d": "false"}}, {"Null": {"aws:ResourceTag/d": ["True"]}}
    for carried, one, other in ((("x",), "allowed", "implicit_deny"), ((), "implicit_deny", "allowed")):
        assert _carrying(house, {"aws:ResourceTag/d": carried}, marked) == one
        assert _carrying(house, {"aws:ResourceTag/d": carried}, unmarked) == other
    assert _carrying(house, {}, marked) == "unknown"
    optional = {"StringEqualsIfExists": {"k": "v"}}
    for given, said in (((), "allowed"), (("v",), "allowed"), (("w",), "implicit_deny")):
        assert _carrying(house, {"k": given}, optional) == said, given
    assert _carrying(house, {}, optional) == "unknown"
    assert _carrying(house, {"k": ()}, {"NullIfExists": {"k": "true"}}) == "unknown"


@reasoning
def an_arn_is_compared_part_by_part(house: House) -> None:
    for pattern, said in (
        ("arn:aws:iam::aws:policy/Core", "allowed"),
        ("arn:*:iam::aws:policy/*", "allowed"),
        ("arn:aws:iam::aws:policy/Other", "implicit_deny"),
        ("arn:aws:iam::aws:policy/core", "implicit_deny"),
        ("arn:aws:iam:*:policy/Core", "unknown"),
        ("*", "unknown"),
        ("arn:aws:iam::${aws:PrincipalAccount}:policy/Core", "unknown"),
    ):
        for test in ("ArnEquals", "ArnLike"):
            carried = {"iam:PolicyARN": ("arn:aws:iam::aws:policy/Core",)}
            assert _carrying(house, carried, {test: {"iam:PolicyARN": pattern}}) == said, pattern


@reasoning
def what_meets_a_condition_is_asked_once_for_each_value_and_the_worst_answer_counts(house: House) -> None:
    module = house.modules["iam"]
    assert list(module.meeting({})) == [{}]
    bound = {
        "StringEquals": {"ec2:CreateAction": ("A", "B")},
        "Null": {"tag": ("false",)},
        "ArnLike": {"arn": ("a:*",)},
    }
    assert list(module.meeting(bound)) == [
        {"ec2:CreateAction": ("A",), "tag": ("given",), "arn": ("a:x",)},
        {"ec2:CreateAction": ("B",), "tag": ("given",), "arn": ("a:x",)},
    ]
    assert module.worst(["allowed", "unknown"]) == "unknown"
    assert module.worst(["explicit_deny", "implicit_deny", "allowed"]) == "explicit_deny"
    assert module.worst(["allowed", "allowed"]) == "allowed"


@reasoning
def a_statement_that_is_none_may_be_either(house: House) -> None:
    for broken in (
        "text",
        {},
        _statement("Permit"),
        {"Effect": "Deny", "Resource": "*"},
        {**_statement("Deny"), "NotAction": "iam:*"},
        _statement("Deny", action=7),
        _statement("Deny", action=["sns:Publish", None]),
    ):
        assert _decide(house, _statement(), broken) == "unknown", broken
    assert _decide(house, _statement("Permit")) == "unknown"
    assert _decide(house, {}) == "unknown"
    assert _decide(house, _statement("Permit", action="sns:Publish")) == "implicit_deny"
    assert house.modules["iam"].decide([{}], ACTION, RESOURCE) == "unknown"
    assert _decide(house, _statement("Deny"), {}) == "explicit_deny"
