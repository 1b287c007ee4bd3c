"""What a check of an execution seals is signed where a key is configured, and nothing is sealed by a key that is gone."""

from datetime import UTC, datetime

import pytest

from drproof import catalog
from drproof.engine import keys
from drproof.engine.orchestrated import Asked, check
from drproof.evidence.expectations import Expectations
from drproof.evidence.verification import verify
from drproof.model.errors import TargetError
from tests.orchestrator.cases import lay_out


def _verified(bundle, trust):
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.999Z")
    types, judge = catalog.types(), catalog.judge_again
    return verify(bundle, types, trust=trust, expect=Expectations(accept_rehearsal=True), now=now, judge=judge)


def test_a_configured_key_signs_opening_checkpoints_and_closing_of_a_check(tmp_path):
    case = lay_out("approved_ok", tmp_path)
    signer = keys.init(tmp_path / "keys")
    (tmp_path / "drproof.toml").write_text('[signing]\nsigner = "file2:keys/runner.key"\n')

    check(Asked(folder=case.execution), {}, tmp_path, tmp_path / "bundle")

    found = _verified(tmp_path / "bundle", keys.read_trust(tmp_path / "keys" / "trust.json"))
    assert (found.status, found.level, [key.keyid for key in found.signers]) == (0, 1, [signer.keyid]), found.problems


def test_without_a_key_a_check_is_unsigned_as_before(tmp_path):
    case = lay_out("approved_ok", tmp_path)
    keys.init(tmp_path / "keys")

    check(Asked(folder=case.execution), {}, tmp_path, tmp_path / "bundle")

    found = _verified(tmp_path / "bundle", keys.read_trust(tmp_path / "keys" / "trust.json"))
    assert (found.level, {problem.code for problem in found.problems}) == (0, {"unsigned"})


def test_a_key_that_is_not_there_ends_the_check_before_it_writes_anything(tmp_path):
    case = lay_out("approved_ok", tmp_path)

    with pytest.raises(TargetError):
        check(Asked(folder=case.execution), {"signer": "file2:gone.key"}, tmp_path, tmp_path / "bundle")

    assert not (tmp_path / "bundle").exists()
