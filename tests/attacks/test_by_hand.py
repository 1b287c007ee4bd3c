"""The recipe of the page works as it is typed: it accepts what a verifier accepts, and shows what was done."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attacks.bundles import CLOSING, VERDICTS, Files, build, put
from tests.attacks.case import flipped, kept, without
from tests.attacks.honest import CHAIN, HEALTH, NAMES, approved
from tests.attacks.keys import CURVE, RUNNER, STRANGER, Key
from tests.attacks.verifiers import ROOT

PAGE = (ROOT / "docs" / "bundle-format.md").read_text()
(RECIPE,) = re.findall(r"## 8\. By hand.*?```sh\n(.*?)```", PAGE, re.DOTALL)
SHELLS = pytest.mark.parametrize("shell", ["bash", "dash"])


def typed(shell: str, files: Files, folder: Path, key: Key = RUNNER) -> subprocess.CompletedProcess[str]:
    """Type the recipe; the first command that fails ends it."""
    bundle = put(files, folder / "bundle")
    (folder / "key.pem").write_text(key.pem)
    before = sorted(bundle.rglob("*"))
    said = subprocess.run(
        [shell, "-eu", "-c", RECIPE],
        cwd=bundle,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(bundle.rglob("*")) == before, "it leaves the bundle as it was"
    return said


@SHELLS
@pytest.mark.parametrize(
    ("files", "key"),
    [
        (build(CHAIN), RUNNER),
        (approved(), RUNNER),
        (build(replace(HEALTH, more=NAMES)), RUNNER),
        (build(replace(HEALTH, keys=(CURVE,))), CURVE),
    ],
    ids=["plain", "approved", "names", "p256"],
)
def test_the_recipe_accepts_an_honest_bundle(shell, files, key, tmp_path):
    said = typed(shell, files, tmp_path, key)

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == 'Signature Verified Successfully\n"outcome":"proven"\n'


@SHELLS
@pytest.mark.parametrize(
    ("files", "key", "told"),
    [
        (build(CHAIN), STRANGER, "Signature Verification Failure"),
        (
            kept(build(CHAIN), CLOSING, lambda said: said["predicate"].update(outcome="refuted")),
            RUNNER,
            "Signature Verification Failure",
        ),
        (flipped(build(CHAIN), "proof.html", b"proof<", b"prove<"), RUNNER, "proof.html: FAILED"),
        (without(build(CHAIN), VERDICTS), RUNNER, "verdicts.json: FAILED open or read"),
        ({**build(CHAIN), "evidence/more.txt": b""}, RUNNER, "< evidence/more.txt"),
        ({**build(CHAIN), ".hidden": b""}, RUNNER, "< .hidden"),
    ],
    ids=["another key", "closing", "file", "missing", "extra", "hidden"],
)
def test_the_recipe_shows_what_was_done(shell, files, key, told, tmp_path):
    said = typed(shell, files, tmp_path, key)

    assert said.returncode != 0
    assert told in said.stdout + said.stderr
