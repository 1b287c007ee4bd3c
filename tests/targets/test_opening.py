"""Opening a target: whose word counts, and whose does not."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drproof.model.capabilities import Target
from drproof.model.errors import GuardError, TargetError
from drproof.targets import embedded, environment, open_target
from drproof.targets.aws.sessions import Session
from drproof.targets.sites import AwsTarget
from tests.targets.conftest import NAMES, Opener, make_intent, settings

HOSTILE = {
    "AWS_PROFILE": "nobody",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "AKIAWRONGWRONGWRONG1",
    "AWS_SECRET_ACCESS_KEY": "wrong",
    "AWS_SESSION_TOKEN": "wrong",
    "AWS_REGION": "eu-north-1",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_RETRY_MODE": "bogus",
    "AWS_MAX_ATTEMPTS": "9",
    "AWS_DEFAULTS_MODE": "bogus",
    "AWS_CA_BUNDLE": "/nonexistent",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "bogus",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "TF_CLI_ARGS": "-bogus",
    "TF_WORKSPACE": "other",
    "TF_DATA_DIR": "/nonexistent",
}


def test_importing_the_room_loads_no_sdk() -> None:
    code = "import sys, drproof.targets.embedded; sys.exit(any(m.startswith('boto') for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], env=environment.child(), timeout=60, check=False)
    assert done.returncode == 0


def test_both_sites_answer_from_their_own_account_and_region(target: AwsTarget) -> None:
    for side in ("primary", "recovery"):
        caller = getattr(target, side).identity.caller()
        expected = NAMES["sites"][side]
        assert (caller.account_id, caller.region) == (expected["account_id"], expected["region"])
        assert caller.arn.startswith(f"arn:aws:sts::{expected['account_id']}:")


def test_the_secret_values_of_both_sites_are_known(target: AwsTarget, world: embedded.World) -> None:
    issued = embedded.credentials(world.endpoint)
    assert set(target.secrets) == {issued[side]["secret_access_key"] for side in ("primary", "recovery")}


@pytest.mark.parametrize("kind", ["terraform", "direct"])
def test_nothing_of_the_developers_environment_reaches_the_embedded_world(
    kind: str, opened: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-north-1\ns3 =\n  use_accelerate_endpoint = true\nmax_attempts = x\n")
    for name, value in {**HOSTILE, "AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(config)}.items():
        monkeypatch.setenv(name, value)
    target = opened(kind)
    assert target.recovery.identity.caller().region == NAMES["sites"]["recovery"]["region"]
    assert target.recovery.provisioner.kind == kind
    assert target.recovery.provisioner.holds() == ()
    made = target.recovery.objects.put(make_intent(), NAMES["recovery"]["bucket"], f"hostile/{kind}", b"x")
    assert made.size == 1


def test_what_would_change_the_original_site_is_refused_before_it_is_sent(
    target: AwsTarget, world: embedded.World
) -> None:
    before = len(world.calls())
    with pytest.raises(GuardError, match=r"s3:PutObject would change the original site"):
        target.primary.objects.put(make_intent(), NAMES["primary"]["bucket"], "atlas/x", b"x")
    with pytest.raises(GuardError, match=r"ec2:TerminateInstances"):
        target.primary.fleet.terminate(make_intent(), "i-00000000000000000")
    assert len(world.calls()) == before
    with pytest.raises(ValueError, match="drills only read it"):
        _ = target.primary.provisioner


def test_a_world_elsewhere_is_no_world(tmp_path: Path) -> None:
    for endpoint in ("http://192.0.2.1:80", "https://127.0.0.1:80", "http://localhost:80", "http://127.0.0.1"):
        with pytest.raises(ValueError, match="expected http://127.0.0.1:<port>"):
            open_target(settings(), endpoint, directory=tmp_path, origin="d")


def test_a_live_target_goes_to_aws_whatever_address_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for service in ("s3", "sts"):
        host = urlsplit(Session("us-west-2").client(service).meta.endpoint_url).hostname
        assert host.endswith(".amazonaws.com")


def test_a_live_target_without_credentials_opens_and_says_so_at_the_first_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    target: Target = open_target(settings(), None, directory=tmp_path, origin="d")
    with pytest.raises(TargetError, match=r"sts:GetCallerIdentity: NoCredentialsError: .*\n  next: ") as caught:
        target.recovery.identity.caller()
    assert caught.value.code == "NoCredentialsError"


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(TargetError, match="ghost"):
        Session("us-west-2", profile="ghost")
