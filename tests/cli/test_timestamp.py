"""A sealed bundle is dated from the command line, once, or as a drill ends; an authority that fails costs no drill."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.authority import Authority, serving
from tests.drill.conftest import Drill, Operator

CHECK = ("-m", "backup-check", "--target", "embedded")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    return Operator(tmp_path_factory.mktemp("dated"))


@pytest.fixture(scope="module")
def closed(operator: Operator) -> Drill:
    """A short drill that is closed; tests copy it before they change it."""
    drill = operator.run(*CHECK, "--run-id", "closed")
    assert drill.status == 0, drill.output
    return drill


@pytest.fixture
def copy(closed: Drill, tmp_path: Path) -> Path:
    return Path(shutil.copytree(closed.bundle, tmp_path / "closed"))


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def trust(operator: Operator, closed: Drill, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's trust file, with the root of the authority in it."""
    document = json.loads((operator.folder / ".drproof/trust.json").read_text())
    document["authorities"] = [{"name": "time of the tests", "certificate": authority.pem}]
    path = tmp_path_factory.mktemp("trust") / "trust.json"
    path.write_text(json.dumps(document))
    return path


def verified(operator: Operator, bundle: Path, trust: Path) -> dict[str, Any]:
    said = operator.cli("verify", str(bundle), "--trust", str(trust), "--accept-rehearsal", "--json")
    return json.loads(said.stdout)


def test_a_closed_bundle_is_dated_and_verify_says_when(operator, copy, authority, trust):
    done = operator.cli("timestamp", str(copy), "--tsa", authority.url, "--trust", str(trust))

    assert (done.returncode, done.stderr) == (0, "")
    assert f"written: {copy}/after/trusted-time.tsr" in done.stdout
    assert [path.name for path in (copy / "after").iterdir()] == ["trusted-time.tsr"]
    found = verified(operator, copy, trust)
    assert (found["exit"], found["findings"]) == (0, [])
    assert f"the closing existed at {found['dated']} at the latest, says time of the tests" in done.stdout


def test_a_bundle_is_dated_once(operator, copy, authority, trust):
    assert operator.cli("timestamp", str(copy), "--tsa", authority.url).returncode == 0
    first = (copy / "after/trusted-time.tsr").read_bytes()
    asked = len(authority.asked)
    again = operator.cli("timestamp", str(copy), "--tsa", authority.url)

    assert again.returncode == 2
    assert "a bundle is dated once" in again.stderr
    assert (copy / "after/trusted-time.tsr").read_bytes() == first
    assert len(authority.asked) == asked


def test_without_a_trust_file_the_token_is_kept_and_said_to_be_unchecked(operator, copy, authority, trust):
    done = operator.cli("timestamp", str(copy), "--tsa", authority.url)

    assert done.returncode == 0
    assert "not checked: no authority is trusted; a verifier counts it once" in done.stdout
    assert verified(operator, copy, trust)["dated"] is not None


def test_what_was_never_closed_is_not_dated(operator, copy, authority, tmp_path):
    asked = len(authority.asked)
    (copy / "closing.dsse.json").unlink()
    for folder in (copy, tmp_path / "nothing"):
        done = operator.cli("timestamp", str(folder), "--tsa", authority.url)
        assert done.returncode == 2
        assert "holds no closed bundle" in done.stderr
        assert "next: drproof status" in done.stderr
    assert not (copy / "after").exists()
    assert len(authority.asked) == asked


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: (200, {"Content-Type": "text/html"}, b"<html>"), "got text/html"),
        (lambda _: (503, {}, b""), "expected status 200, got 503"),
    ],
)
def test_a_token_that_is_none_is_not_written(operator, copy, trust, answer, said):
    with serving(answer=answer) as broken:
        done = operator.cli("timestamp", str(copy), "--tsa", broken.url, "--trust", str(trust))
    assert done.returncode == 2
    assert said in done.stderr
    assert not (copy / "after").exists()


def test_a_token_under_another_root_is_not_written(operator, copy, trust):
    with serving() as other:
        done = operator.cli("timestamp", str(copy), "--tsa", other.url, "--trust", str(trust))
    assert done.returncode == 2
    assert "no authority of the trust file signed it" in done.stderr
    assert not (copy / "after").exists()


def test_a_drill_is_dated_as_it_ends(operator, authority, trust):
    drill = operator.run(*CHECK, "--run-id", "dated", "--tsa", authority.url, "--trust", str(trust))

    assert drill.status == 0, drill.output
    assert "not dated" not in drill.output
    found = verified(operator, drill.bundle, trust)
    assert (found["exit"], found["findings"]) == (0, [])
    assert found["dated"] > drill.closing["closed_at"][:19]


def test_an_authority_that_fails_costs_no_drill_and_the_next_command_is_said(operator, trust):
    with serving(answer=lambda _: (503, {}, b"")) as broken:
        drill = operator.run(*CHECK, "--run-id", "undated", "--tsa", f"{broken.url}?key=hidden")

    assert drill.status == 0, drill.output
    assert len(broken.asked) == 1
    assert "not dated: tsa:timestamp" in drill.output
    assert f"next: drproof timestamp {drill.bundle} --tsa {broken.url}" in drill.output
    assert "hidden" not in drill.output
    assert not (drill.bundle / "after").exists()
    assert verified(operator, drill.bundle, trust)["exit"] == 0


def test_what_is_no_address_is_refused_before_the_drill(operator):
    drill = operator.run(*CHECK, "--run-id", "refused", "--tsa", "tsa.example")

    assert drill.status == 4
    assert "expected an address http(s)://<host>/<path>, got 'tsa.example'" in drill.output
    assert drill.directory is None
