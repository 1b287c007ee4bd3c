"""A drill whose own process can write nothing any more is no success, and what it made goes all the same."""


def test_a_drill_that_can_write_no_more_ends_as_incomplete_and_its_guardian_undoes_it(injected):
    drill = injected("disk-full")

    assert drill.status == 1, drill.output
    assert "STILL UP" in drill.output
    assert "drproof resume" in drill.output
    assert drill.closing["outcome"] == "incomplete"
    assert drill.outcomes["bringup"] == "passed"
    assert drill.outcomes["restore_state"] == "interrupted", "it had begun, and nobody could write down how it ended"
    assert drill.outcomes["teardown"] == "passed"
    assert "validate" not in drill.named("proven")
    assert drill.inventory["instances"] == []
    assert [item["key"] for item in drill.inventory["objects"] if f"/{drill.directory.name}/" in item["key"]] == []
    assert not drill.directory.with_name(f"{drill.directory.name}.private").exists()
