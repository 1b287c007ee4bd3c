"""`drproof compare-prefixes`: what it says, what it writes, how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drproof.cli.app import app
from tests.prefixes.bucket_server import Asked, Stored
from tests.prefixes.conftest import KEYS, OWNER, Pair, Served
from tests.prefixes.test_comparing import many
from tests.shares import FEW

pytestmark = pytest.mark.costly(days=FEW)

PLACES = ("s3://left/l/", "s3://right/r/")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings and no credentials but those of the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "EXPECTED_ACCOUNT_ID", "PRIMARY_AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["secret_access_key"])
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


def run(pair: Pair, *more: str, places: tuple[str, str] = PLACES) -> Result:
    owners = ["--bucket-owner-left", OWNER, "--bucket-owner-right", OWNER]
    where = ["--endpoint", pair.server.address, "--region", "eu-central-1"]
    # The server is a thread of this process, which therefore must not be forked.
    apart = ["--processes", "1"]
    return CliRunner().invoke(app, ["compare-prefixes", *places, *owners, *where, *apart, *more])


def test_equal_is_0_and_says_how_much_was_compared(served: Served) -> None:
    done = run(served(many(50), many(50)))

    assert done.exit_code == 0, done.output
    assert "s3://left/l/: 50 objects; s3://right/r/: 50 objects" in done.output
    assert done.output.splitlines()[-1] == "equal"


def test_different_is_1_and_every_difference_is_a_line_of_json(served: Served, tmp_path: Path) -> None:
    left = {b"a": Stored(b"1"), b"new\nline\x1b": Stored(b"2"), b"s": Stored(b"3")}
    right = {b"a": Stored(b"1"), b"s": Stored(b"33"), b"x": Stored(b"4")}

    done = run(served(left, right), "--json", "found.jsonl", "--max-differences", "1")

    lines = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert done.exit_code == 1, done.output
    assert [(line["key"], line["kind"]) for line in lines[:-1]] == [
        ("new\nline\x1b", "missing"),
        ("s", "different size"),
        ("x", "extra"),
    ]
    assert lines[1]["left"] == {"size": 1, "etag": "eccbc87e4b5ce2fe28308fd9f2a7baf3"}
    assert lines[-1]["summary"]["outcome"] == "different"
    assert (lines[-1]["summary"]["equal"], lines[-1]["summary"]["missing"]) == (1, 1)
    assert "missing: new\\u{a}line\\u{1b}" in done.output
    assert "and 2 more" in done.output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("right", [3, 3_000], ids=["equal", "different"])
def test_a_file_that_cannot_be_written_is_misuse_and_never_a_difference(served: Served, right: int) -> None:
    done = run(served(many(3), many(right)), "--json", "/dev/full")

    assert done.exit_code == 2
    assert "No space left on device" in done.output
    assert done.output.splitlines()[-2:] == [
        "drproof: [Errno 28] No space left on device",
        "  next: drproof compare-prefixes --help",
    ]
    assert not {"equal", "different"} & set(done.output.splitlines())


def test_json_on_standard_output_is_all_that_stands_there(served: Served) -> None:
    done = run(served(many(3), many(4)), "--json", "-")

    assert done.exit_code == 1
    assert [("summary" in json.loads(line)) for line in done.stdout.splitlines()] == [False, True]
    assert "different" in done.stderr


def test_what_stays_undecided_is_3(served: Served) -> None:
    doubtful = ({b"k": Stored(b"1", "0" * 32 + "-1")}, {b"k": Stored(b"1")})

    done = run(served(*doubtful), "--read", "never")

    assert done.exit_code == 3
    assert "doubtful: k (ETags of 1 and 1 parts" in done.output


def test_two_empty_prefixes_prove_nothing(served: Served) -> None:
    done = run(served({}, {}))

    assert done.exit_code == 3
    assert "nothing was compared" in done.output


def test_a_world_that_does_not_answer_is_3_and_leaves_a_file_without_an_end(served: Served, tmp_path: Path) -> None:
    pair = served(many(3), many(3))

    done = run(pair, "--json", "found.jsonl", "--owner-left", "999999999999")

    assert done.exit_code == 3
    assert "AccessDenied" in done.output
    assert "summary" not in (tmp_path / "found.jsonl").read_text()


@pytest.mark.parametrize(
    ("places", "more", "says"),
    [
        (("s3://left/l/", "s3://left/l/"), (), "compared with itself shows nothing"),
        (("s3://left", "s3://left/"), (), "compared with itself shows nothing"),
        (("s3://left/l", "s3://right/r/"), (), "a slash at the end"),
        (("left/l/", "s3://right/r/"), (), "the left side is 'left/l/'"),
        (("s3://left/l/", "s3://r!ght/r/"), (), "the right side is"),
        (PLACES, ("--bucket-owner-right", ""), "--bucket-owner-right"),
        (PLACES, ("--owner-right", "them"), "--bucket-owner-right is not an account"),
        (PLACES, ("--embedded", "http://127.0.0.1:9"), "--embedded and --endpoint name two stores"),
        (PLACES, ("--region", ""), "in which region left lies"),
        (PLACES, ("--profile", "no-such-profile"), "no-such-profile"),
        (PLACES, ("--shards", "0"), "shards"),
        (PLACES, ("--json", "no/such/folder/x"), "No such file"),
        (PLACES, ("--endpoint", "nonsense"), "--endpoint is 'nonsense'"),
        (PLACES, ("--endpoint", "http://"), "--endpoint is 'http://'"),
        (PLACES, ("--endpoint", "http://[::1"), "--endpoint is 'http://[::1'"),
        (PLACES, ("--endpoint", "http://127.0.0.1:99999"), "--endpoint http(s)://host:port"),
    ],
)
def test_misuse_is_2_and_says_what_to_do(
    served: Served, places: tuple[str, str], more: tuple[str, ...], says: str
) -> None:
    pair = served(many(1), many(1))

    done = run(pair, *more, places=places)

    assert done.exit_code == 2, done.output
    assert says in done.output
    assert pair.server.counts.total() == 0


def test_owners_and_regions_come_from_the_settings_of_the_sites(served: Served, tmp_path: Path) -> None:
    pair = served(many(3), many(3))
    sites = "\n".join(
        f'[sites.{side}]\naccount_id = "{owner}"\nregion = "eu-central-1"'
        for side, owner in (("primary", OWNER), ("recovery", "999999999999"))
    )
    (tmp_path / "drproof.toml").write_text(sites)

    done = CliRunner().invoke(app, ["compare-prefixes", *PLACES, "--endpoint", pair.server.address])

    assert done.exit_code == 3
    assert "AccessDenied" in done.output
    assert "s3://right" in done.output


def test_credentials_for_a_while_are_sent_to_another_store_with_their_token(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = set[str | None]()

    def heard(asked: Asked) -> str:
        tokens.add(asked.headers.get("x-amz-security-token"))
        return ""

    monkeypatch.setenv("AWS_SESSION_TOKEN", "for a while")
    pair = served(many(3), many(3), unkind=heard)

    assert run(pair).exit_code == 0
    assert tokens == {"for a while"}
    assert pair.server.unsigned == []


@pytest.mark.parametrize(
    ("promised", "otherwise"),
    [
        (("--shards", "8"), ("--shards", "1")),
        (("--read", "auto"), ("--read", "never")),
        (("--read", "auto"), ("--read", "always")),
        (("--max-differences", "20"), ("--max-differences", "21")),
    ],
)
def test_an_option_that_is_left_out_does_what_its_promised_value_does(
    served: Served, promised: tuple[str, str], otherwise: tuple[str, str]
) -> None:
    left = many(5_000) | {b"doubt": Stored(b"same", "0" * 32 + "-2")}
    right = dict(sorted(left.items())[30:]) | {b"doubt": Stored(b"same")}
    left_out, as_promised, other = (_told_and_asked(served(left, right), *words) for words in ((), promised, otherwise))

    assert left_out == as_promised
    assert left_out != other


def _told_and_asked(pair: Pair, *words: str) -> tuple[int, list[str], int, set[bytes], set[tuple[str, bytes]]]:
    done = run(pair, *words)
    told = [line for line in done.output.splitlines() if "request" not in line]
    return done.exit_code, told, pair.server.count("LIST"), pair.server.keys("GET"), pair.server.begun
