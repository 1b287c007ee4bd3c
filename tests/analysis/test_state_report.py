"""What a validation Job prints of the restored state is read in one way, and made for one drill."""

import hashlib
import json

import pytest

from drproof.analysis.state_report import digest_of, failure_in, parse_log
from drproof.model.errors import FormatError

NONCE, OTHER = "0" * 63 + "1", "0" * 63 + "2"
SHA = "ab" * 32


def said(what="state", **changes):
    """Return one line of the Job's log."""
    plain = {"archive": "state.tar.zst", "files": 2, "nonce": NONCE, "sha256": SHA, "size": 9}
    return f"drproof-{what} {json.dumps({**plain, **changes} if what == 'state' else changes)}"


def test_each_archive_is_read_once_and_the_rest_of_a_log_does_not_count():
    log = "\n".join(
        [
            "starting",
            said(),
            "x drproof-state {}",
            "drproof-state nothing",
            said(archive="manifests.tar.zst", files=0, size=0) + "  \r",
            said("canary", text="born\n"),
            "done",
        ]
    )

    reports, canary = parse_log(log, nonce=NONCE)

    assert [(one.archive, one.files, one.size, one.sha256) for one in reports] == [
        ("state.tar.zst", 2, 9, SHA),
        ("manifests.tar.zst", 0, 0, SHA),
    ]
    assert canary == "born\n"


def test_a_log_without_report_reports_nothing():
    assert parse_log("", nonce=NONCE) == ((), "")
    assert parse_log(said("canary", text=""), nonce=NONCE) == ((), "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (said(nonce=OTHER), "made for another drill"),
        (said(nonce=None), "made for another drill"),
        (said() + "\n" + said(), "reported twice"),
        (said(files="2"), "expected archive"),
        (said(files=True), "expected archive"),
        (said(files=-1), "expected archive"),
        (said(size=-1), "expected archive"),
        (said(size="9"), "expected archive"),
        (said(size=False), "expected archive"),
        (said(size=None), "expected archive"),
        (said(archive=None), "expected archive"),
        (said(archive=7), "expected archive"),
        (said(sha256=7), "expected archive"),
        (said(sha256=SHA[1:]), "expected archive"),
        (said(sha256=SHA + "\n"), "expected archive"),
        (said(sha256=SHA.upper()), "expected archive"),
        ('drproof-state {"files": 1, "files": 2}', "comes twice"),
        ("drproof-state {nothing}", "not JSON"),
        (said("canary", text="a") + "\n" + said("canary", text="b"), "canary was reported twice"),
        (said("canary", text=7), "canary is no text"),
        (said("canary"), "canary is no text"),
    ],
)
def test_a_report_that_has_more_than_one_reading_is_refused(line, problem):
    with pytest.raises(FormatError, match=problem):
        parse_log(line, nonce=NONCE)


def test_what_must_be_reported_covers_the_nonce_and_every_path_size_and_digest():
    rows = [{"path": "b", "size": 2, "sha256": SHA}, {"path": "a/c", "size": 1, "sha256": SHA[::-1]}]

    wanted = digest_of(rows, nonce=NONCE)

    text = f"{NONCE}\n{SHA[::-1]} 1 a/c\n{SHA} 2 b\n"
    assert (wanted.files, wanted.size, wanted.sha256) == (2, 3, hashlib.sha256(text.encode()).hexdigest())
    assert digest_of(rows[::-1], nonce=NONCE) == wanted
    others = [
        digest_of(rows, nonce=OTHER),
        digest_of(rows[:1], nonce=NONCE),
        digest_of([{**rows[0], "path": "c"}, rows[1]], nonce=NONCE),
        digest_of([{**rows[0], "size": 3}, rows[1]], nonce=NONCE),
        digest_of([{**rows[0], "sha256": SHA[::-1]}, rows[1]], nonce=NONCE),
    ]
    assert len({one.sha256 for one in [wanted, *others]}) == 6


def test_paths_are_ordered_by_their_bytes_as_stores_do():
    rows = [{"path": path, "size": 0, "sha256": SHA} for path in ("\ufb01", "\U0001f40d", "z", "Z")]

    text = f"{NONCE}\n" + "".join(f"{SHA} 0 {path}\n" for path in ("Z", "z", "\ufb01", "\U0001f40d"))
    assert digest_of(rows, nonce=NONCE).sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            {"code": "", "error": "IncompleteReadError", "reading": "a.tar"},
            "it could not read a.tar: IncompleteReadError",
        ),
        (
            {"code": "AccessDenied", "error": "ClientError", "reading": "state/canary.json"},
            "it could not read the state: ClientError AccessDenied",
        ),
        ({"code": "", "error": "a secret: x", "reading": "a.tar"}, ""),
        ({"code": "A" * 101, "error": "KeyError", "reading": ["a.tar"]}, "it could not read the state: KeyError"),
        ({"error": 5}, ""),
        ({}, ""),
        ([], ""),
    ],
)
def test_of_a_failure_the_error_is_repeated_and_nothing_else(content, told):
    log = f"Traceback\nx drproof-failure {{}}\ndrproof-failure {json.dumps(content)}\n"

    assert failure_in(log, ["a.tar", "b.tar"]) == told
    assert failure_in("drproof-failure {not JSON}\n", ["a.tar"]) == ""
    assert failure_in("nothing of it\n", ["a.tar"]) == ""
