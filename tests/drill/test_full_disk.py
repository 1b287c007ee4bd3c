"""A drill whose own process can write nothing any more is no success, and what it made goes all the same."""

from tests.drill.conftest import SECONDS
from tests.patience import until


def test_a_drill_that_can_write_no_more_ends_as_incomplete_and_its_guardian_undoes_it(operator, pytestconfig):
    ran = operator.drill(
        "-p", "tests.drill.fill_disk", "--provisioner", "direct", "--run-id", "full",
        FULL_AFTER="restore_state", PYTHONPATH=str(pytestconfig.rootpath),
    )  # fmt: skip

    assert ran.status == 1, ran.output
    assert "STILL UP" in ran.output
    assert "drproof resume" in ran.output
    drill = operator.closed("full")
    assert drill.closing["outcome"] == "incomplete"
    assert drill.outcomes["restore_state"] == "passed"
    assert drill.outcomes["teardown"] == "passed"
    assert "validate" not in drill.named("proven")
    assert drill.inventory["instances"] == []
    assert [item["key"] for item in drill.inventory["objects"] if "/full/" in item["key"]] == []
    until(lambda: not drill.bundle.with_name("full.private").exists(), SECONDS)
