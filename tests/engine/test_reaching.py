"""How commands reach a bucket: one order of options, settings and variables, whichever command asks."""

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from drproof.cli.app import app
from drproof.engine.reaching import Way, account
from drproof.engine.refusal import Refusal
from drproof.model.errors import TargetError

ME, THEM = "111122223333", "444455556666"
SETTINGS = f"""
profile = "of-the-settings"
[sites.primary]
account_id = "{ME}"
region = "eu-central-1"
[sites.recovery]
account_id = "{ME}"
owner = "{THEM}"
region = "eu-west-1"
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, and credentials of nobody."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "EXPECTED_ACCOUNT_ID", "PRIMARY_AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    (tmp_path / "config").write_text(
        "[profile of-the-settings]\nregion = sa-east-1\n[profile mine]\nregion = us-west-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.fixture
def settled(tmp_path: Path) -> None:
    (tmp_path / "drproof.toml").write_text(SETTINGS)


def found(**way: Any) -> tuple[str, str]:
    session, owner = Way(**way).open()
    return session.region, owner


@pytest.mark.usefixtures("settled")
def test_an_option_wins_over_the_settings_of_its_site():
    assert found(site="primary") == ("eu-central-1", ME)
    assert found(site="recovery") == ("eu-west-1", THEM)
    assert found(site="primary", owner=THEM, region="us-east-2") == ("us-east-2", THEM)


@pytest.mark.usefixtures("settled")
def test_settings_hold_only_for_who_asks_for_a_site(monkeypatch):
    assert found(owner=ME, profile="mine") == ("us-west-1", ME)
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert found(owner=ME, profile="mine") == ("ap-south-1", ME)


@pytest.mark.usefixtures("settled")
def test_the_profile_of_the_settings_holds_until_an_option_names_another_or_none(tmp_path):
    (tmp_path / "drproof.toml").write_text(f'profile = "of-the-settings"\n[sites.primary]\naccount_id = "{ME}"\n')

    assert found(site="primary") == ("sa-east-1", ME)
    assert found(site="primary", profile="mine") == ("us-west-1", ME)
    with pytest.raises(Refusal, match="nothing says in which region"):
        found(site="primary", profile="")


def test_what_nobody_says_is_refused_with_the_options_of_its_side():
    with pytest.raises(Refusal, match=r"(?s)whose bucket theirs is.*--bucket-owner-left.*sites\.primary\.account_id"):
        Way(site="primary", side="-left").open("theirs")
    with pytest.raises(Refusal, match=r"(?s)which region theirs lies.*--region-right, --region, AWS_REGION"):
        Way(site="recovery", side="-right", owner=ME).open("theirs")


@pytest.mark.parametrize("address", ["nonsense", "ftp://store", "http://", "http://[::1", "http://store:0"])
def test_a_store_is_named_by_an_address(address):
    with pytest.raises(Refusal, match="--endpoint is"):
        found(owner=ME, region="eu-west-1", endpoint=address)


def test_a_rehearsal_is_no_other_store():
    with pytest.raises(Refusal, match="--embedded and --endpoint name two stores"):
        found(world="http://127.0.0.1:1", endpoint="http://127.0.0.1:2")
    with pytest.raises(ValueError, match=r"expected http://127\.0\.0\.1:<port>"):
        found(world="http://192.0.2.1:1")
    with pytest.raises(TargetError, match="nobody answers"):
        found(world="http://127.0.0.1:1")


def test_another_store_is_asked_with_the_operators_own_credentials():
    session, owner = Way(owner=ME, region="eu-west-1", endpoint="http://127.0.0.1:1").open()

    assert (session.endpoint, owner) == ("http://127.0.0.1:1", ME)
    assert session.signing_credentials().access_key == "a"


@pytest.mark.parametrize("value", ["", "12345", "me", "1111222233334", "\uff11" * 12])
def test_an_account_has_twelve_digits(value):
    with pytest.raises(Refusal, match="--bucket-owner is not an account"):
        account(value, "--bucket-owner")


COMMANDS = (
    "backup create",
    "compare",
    "compare-prefixes",
    "control-plane fetch",
    "control-plane publish",
    "verify-published",
)


def spellings(command: str) -> dict[str, str]:
    """Return the first spelling of each option by every one of its spellings."""
    found: Any = get_command(app)
    for word in command.split():
        found = found.commands[word]
    return {name: one.opts[0] for one in found.params for name in one.opts}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_reaches_a_bucket_spells_its_options_alike(command):
    options = spellings(command)
    sides = ("-left", "-right") if command == "compare-prefixes" else ("",)

    assert {"--region", "--profile", "--embedded"} <= options.keys()
    assert {f"--bucket-owner{side}" for side in sides} <= set(options.values())


def test_earlier_spellings_are_still_taken():
    assert spellings("backup create")["--owner"] == "--bucket-owner"
    assert spellings("compare-prefixes")["--owner-left"] == "--bucket-owner-left"
    assert spellings("compare-prefixes")["--owner-right"] == "--bucket-owner-right"
