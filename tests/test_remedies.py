"""Every command of the AWS CLI that drproof tells somebody to type says in which region."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import drproof

SOURCE = Path(drproof.__file__).parent
COMMAND = re.compile(
    r"\baws (?P<service>[a-z0-9-]+) (?P<verb>[a-z0-9]+(?:-[a-z0-9]+)+|rm|sync|ls|cp|publish|subscribe)\b"
)
ENDS = re.compile(r"&&|;|\||\n|, (?:or|then|and) | or pytest")
"""Where one command of a text ends and the next word is a sentence's, or another command's."""

WITHOUT_REGIONS = {
    "configure": "it speaks of this machine's own profiles, and asks no service",
    "iam": "one for all regions",
    "s3": "a bucket is found wherever it lies",
    "s3api": "a bucket is found wherever it lies",
    "sts": "it says who the caller is, in whichever region it is asked",
}
"""Services whose commands need none, each with the reason."""

NOBODY_TYPES = {"contracts/teardown/residue.py": "a sabotage puts it into a receipt that is thrown away"}


def texts(tree: ast.AST) -> Iterator[str]:
    """Yield every text of a source but docstrings, whole where it is put together of parts."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            inside |= {id(one.value) for one in body if isinstance(one, ast.Expr)}
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in ast.walk(node) if part is not node}
        if id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc] # what is no expression is text
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield service and whole command of each command in a text."""
    for found in COMMAND.finditer(text):
        rest = text[found.start() :]
        end = ENDS.search(rest)
        yield found["service"], rest[: end.start()] if end else rest


def without_region(text: str) -> list[str]:
    return [whole for service, whole in commands(text) if service not in WITHOUT_REGIONS and "--region" not in whole]


def sources() -> list[Path]:
    return [
        path
        for path in sorted(SOURCE.rglob("*.py"))
        if "embedded" not in path.relative_to(SOURCE).parts and path.relative_to(SOURCE).as_posix() not in NOBODY_TYPES
    ]


def test_every_command_names_its_region_where_its_service_has_regions():
    lacking = {
        f"{path.relative_to(SOURCE)}: {whole}"
        for path in sources()
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
        for whole in without_region(text)
    }

    assert sorted(lacking) == []


def test_there_are_commands_that_this_reads():
    found = {
        service
        for path in sources()
        for text in texts(ast.parse(path.read_text(encoding="utf-8")))
        for service, _ in commands(text)
    }

    assert {"codebuild", "ec2", "kms", "service-quotas", "sns", "ssm", "stepfunctions"} <= found
    assert WITHOUT_REGIONS.keys() <= found, "an exception of nothing"


@pytest.mark.parametrize(
    "line",
    [
        'x = f"next: aws ssm list-commands --instance-id {i}"',
        'x = ("next: wait, or aws codebuild "\n     "stop-build --id b; aws ec2 describe-vpcs --region r")',
        'x = f"{a} aws ec2 " f"terminate-instances --instance-ids {b}"',
    ],
)
def test_a_command_without_one_is_found_however_it_is_written(line):
    assert [whole for text in texts(ast.parse(line)) for whole in without_region(text)]
