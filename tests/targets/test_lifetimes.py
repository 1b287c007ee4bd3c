"""Credentials that end before a drill may have ended and been undone are told, and refused at the opening."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.engine.lifetime import budget_ms, refuse_short_lived
from drproof.engine.refusal import Refusal
from drproof.model.readiness import EXPIRY_UNKNOWN
from drproof.model.settings import Limits
from drproof.targets.aws.sessions import Session

NOW = "2026-01-31T12:00:00.000Z"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00", "AWS_SECRET_ACCESS_KEY": "x" * 40, "AWS_SESSION_TOKEN": "t"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any configuration of AWS."""
    for name in ("AWS_PROFILE", *KEYS, "AWS_CREDENTIAL_EXPIRATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / ".aws" / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / ".aws" / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws" / "sso" / "cache").mkdir(parents=True)
    return tmp_path


def test_credentials_of_the_environment_end_when_it_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**KEYS, "AWS_CREDENTIAL_EXPIRATION": "2099-01-31T13:00:00Z"}.items():
        monkeypatch.setenv(name, value)

    assert Session("us-east-1").expires_at() == "2099-01-31T13:00:00.000Z"


def test_credentials_without_an_end_have_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Session("us-east-1").expires_at() == ""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    assert Session("us-east-1").expires_at() == EXPIRY_UNKNOWN
    # Lambda sets the variable, and new credentials for each call.
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    assert Session("us-east-1").expires_at() == ""


@pytest.mark.parametrize(("refreshes", "ends"), [(False, "2099-01-31T20:00:00.000Z"), (True, "")])
def test_a_login_ends_when_its_token_does_unless_that_is_renewed(home: Path, refreshes: bool, ends: str) -> None:
    (home / ".aws" / "config").write_text(
        "[profile dr]\nsso_session = team\nsso_account_id = 444455556666\nsso_role_name = dr\nregion = us-east-1\n"
        "[sso-session team]\nsso_start_url = https://example.com/start\nsso_region = us-east-1\n"
    )
    token: dict[str, Any] = {"accessToken": "x", "expiresAt": "2099-01-31T20:00:00Z"}
    if refreshes:
        token["refreshToken"] = "r"
    cached = home / ".aws" / "sso" / "cache" / f"{hashlib.sha1(b'team').hexdigest()}.json"
    cached.write_text(json.dumps(token))

    assert Session("us-east-1", profile="dr").expires_at() == ends


def test_a_run_is_refused_whose_credentials_end_before_it_can_be_undone() -> None:
    phases, limits = catalog.plan("recovery").phases, Limits()
    needed_ms = budget_ms(phases) + limits.teardown_reserve_ms
    assert needed_ms > limits.teardown_reserve_ms > 0
    hours = needed_ms // 3_600_000

    with pytest.raises(Refusal, match=r"(?s)the credentials end at .* limits\.teardown_reserve.*next: renew them"):
        refuse_short_lived("2026-01-31T12:30:00.000Z", phases, limits, now=NOW)
    refuse_short_lived(f"2026-01-31T{12 + hours + 1:02}:59:59.000Z", phases, limits, now=NOW)
    late = f"2026-01-31T{12 + hours + 1:02}:59:59.000Z"
    with pytest.raises(Refusal, match="--await-approval"):
        refuse_short_lived(late, phases, limits, now=NOW, waits=timedelta(hours=2))
    refuse_short_lived("", phases, limits, now=NOW)


def test_a_run_is_refused_whose_credentials_do_not_say_when_they_end() -> None:
    """That they might last is a guess, and what it costs to be wrong is a machine that nobody may end."""
    phases, limits = catalog.plan("recovery").phases, Limits()

    with pytest.raises(Refusal, match=r"(?s)do not say when.*AWS_CREDENTIAL_EXPIRATION.*next: use a profile"):
        refuse_short_lived(EXPIRY_UNKNOWN, phases, limits, now=NOW)


def test_what_only_takes_away_is_not_refused_for_an_end_that_nobody_says() -> None:
    """The machine is there already: whoever may not end it today leaves it running."""
    phases, limits = catalog.plan("recovery").phases, Limits()
    removing = [phase for phase in phases if phase.removes or not phase.mutates]
    assert any(phase.removes for phase in removing)

    refuse_short_lived(EXPIRY_UNKNOWN, removing, limits, now=NOW)
