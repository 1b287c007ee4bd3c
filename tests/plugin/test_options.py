"""Our options leave everybody else's alone, and every value says where it came from."""

THEIRS = """
def pytest_addoption(parser):
    for name in ("--region", "--profile", "--target"):
        parser.addoption(name, default="unsaid")

def pytest_report_header(config):
    return [f"theirs: {config.getoption(name)}" for name in ("--region", "--profile", "--target")]
"""


def test_options_of_other_plugins_keep_their_meaning_and_ours_have_a_name_of_their_own(desk):
    desk.write("theirs.py", THEIRS)
    said = ("--target", "bench", "--region", "mars", "--profile", "slim", "--dr-target", "embedded", "--rpo", "37h")

    ran = desk.run("-p", "theirs", "-m", "backup-check", *said)

    assert ran.status == 0, ran.output
    for value in ("mars", "slim", "bench"):
        assert f"theirs: {value}" in ran.output
    inputs = {row["name"]: (row["value"], row["source"]) for row in ran.read("plan.json")["inputs"]}
    assert inputs["target"][0] == "embedded"
    assert inputs["criteria.rpo"] == (str(37 * 3_600_000), "option --rpo")
    assert inputs["sites.primary.region"][1] == "the embedded world"


def test_options_of_a_conftest_are_left_alone_too(desk):
    desk.write("conftest.py", THEIRS)

    shown = desk.run("-m", "drill", "--target", "bench", "--dr-target", "embedded", "--collect-only")

    assert shown.status == 0, shown.output
    assert "theirs: bench" in shown.output


def test_an_option_that_another_plugin_took_is_not_read_as_ours(desk):
    desk.write("theirs.py", THEIRS)

    output = desk.refused("-p", "theirs", "-m", "drill", "--target", "embedded")

    assert "no target is set" in output


def test_every_value_is_recorded_with_the_place_it_came_from(whole):
    plan = whole.read("plan.json")
    inputs = {row["name"]: (row["value"], row["source"]) for row in plan["inputs"]}

    assert inputs["limits.max_attempts"] == ("2", "option --max-attempts")
    assert inputs["limits.validate_max_retries"] == ("1", "environment DR_VALIDATE_MAX_RETRIES")
    assert inputs["criteria.rto"] == (str(40 * 60_000), "drproof.toml criteria.rto")
    assert inputs["target"] == ("embedded", "drproof.toml target")
    assert inputs["drill.backup_uri"][1] == "the embedded world"
    assert plan["max_attempts"] == 2
    assert plan["criteria"]["rto_ms"] == 40 * 60_000
