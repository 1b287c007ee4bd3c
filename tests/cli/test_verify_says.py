"""What `drproof verify` says is true of the bundle in hand, names each file, and ends with what to do next."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from drproof.engine.keys import init
from drproof.model.signing import Role
from tests.drill.conftest import Operator

REPORTS = Path(__file__).resolve().parents[2] / "reports"
TRUST = REPORTS / "sample.trust.json"
REHEARSAL = "--accept-rehearsal"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPORTS / "sample", tmp_path / "sample"))


def said(folder: Path, *words: str) -> list[str]:
    done = Operator(folder).cli("verify", *words)
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


def test_a_changed_file_is_not_said_to_lack_a_signature_that_is_there(copy: Path) -> None:
    page = copy / "proof.html"
    page.write_bytes(page.read_bytes() + b" ")

    found = said(copy.parent, "sample", "--trust", str(TRUST), REHEARSAL)

    assert any(line.startswith("signed by runner ") for line in found)
    assert "not shown: who made it (L0): it is not signed by keys of the trust file" not in found
    assert "not shown: who made it (L0): it is not what was sealed, whoever signed that" in found


def test_each_receipt_that_breaks_the_chain_is_named(copy: Path) -> None:
    receipt = copy / "receipts" / "03-bringup.json"
    receipt.write_bytes(receipt.read_bytes().replace(b'"passed"', b'"failed"', 1))

    found = said(copy.parent, "sample", "--trust", str(TRUST), REHEARSAL)

    assert "chain: receipts/04-resolve_runner.json does not name the one before it" in found


def test_one_strange_key_is_said_once_and_not_of_each_file(copy: Path) -> None:
    init(copy.parent / "other", Role.RUNNER)

    found = said(copy.parent, "sample", "--trust", "other/trust.json", REHEARSAL)

    strange = [line for line in found if line.startswith("key-unknown: ")]
    files = len(list((copy / "checkpoints").iterdir())) + 2
    assert len(strange) == 2
    assert strange[1] == f"key-unknown: the same of {files - 1} other files; --json has all"


@pytest.mark.parametrize(("within", "named"), [("sample", "."), ("sample/receipts", "..")])
def test_a_bundle_that_is_named_from_inside_has_its_name(within: str, named: str, copy: Path) -> None:
    found = said(copy.parent / within, named, "--trust", str(TRUST), REHEARSAL)

    assert found[0] == "sample: AUTHENTIC AND PROVEN (exit 0, level L1)"


def changed(copy: Path) -> tuple[str, ...]:
    (copy / "proof.html").write_bytes(b"another page")
    return ("sample", "--trust", str(TRUST), REHEARSAL)


def unsealed(copy: Path) -> tuple[str, ...]:
    (copy / "closing.dsse.json").unlink()
    return ("sample", "--trust", str(TRUST), REHEARSAL)


def strange(copy: Path) -> tuple[str, ...]:
    init(copy.parent / "other", Role.RUNNER)
    return ("sample", "--trust", "other/trust.json", REHEARSAL)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda _: ("sample", REHEARSAL), "obtain the runner's public key on another way"),
        (strange, "compare the key id with its owner on another way, then enter the key in other/trust.json"),
        (changed, "have the bundle sent again, or copy it from its receipt store; believe nothing in this folder"),
        (unsealed, "drproof status sample says how far it came"),
        (lambda _: ("sample", "--trust", str(TRUST)), "the same command with --accept-rehearsal, if a rehearsal is"),
        (lambda _: ("sample", "--trust", str(TRUST), REHEARSAL, "--max-age", "1s"), "ask for a newer drill"),
        (lambda _: ("sample", "--trust", str(TRUST), REHEARSAL, "--expect-drill", "x"), "ask for the bundle that"),
        (
            lambda _: ("sample", "--trust", str(TRUST), REHEARSAL, "--require-level", "L3"),
            "docs/bundle-format.md, section 7, says what",
        ),
        (lambda _: ("nowhere", "--trust", str(TRUST)), "name the folder of a drill, reports/<drill-id>"),
        (lambda _: ("sample", "--trust", "nowhere.json"), "name a trust file of your own"),
    ],
)
def test_what_is_not_as_demanded_ends_with_what_to_do_next(
    spoil: Callable[[Path], tuple[str, ...]], says: str, copy: Path
) -> None:
    found = said(copy.parent, *spoil(copy))

    assert found[-1].startswith("next: "), os.linesep.join(found)
    assert says in found[-1]


def test_what_is_proven_asks_for_nothing_more(copy: Path) -> None:
    assert not [line for line in said(copy.parent, "sample", "--trust", str(TRUST), REHEARSAL) if "next:" in line]
