"""One embedded world for the session, and sites opened on it."""

import itertools
import secrets
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

import drproof
from drproof.engine.clock import SystemClock
from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.criteria import Site, Sites
from drproof.model.ownership import Bounds
from drproof.model.settings import (
    BuildSettings,
    ClusterSettings,
    Command,
    Metrics,
    Primary,
    ProvisionerSettings,
    Recovery,
    Settings,
    Validation,
)
from drproof.targets import embedded, open_target
from drproof.targets.sites import AwsTarget
from tests.targets.lock_notes import make_table

NAMES: dict[str, Any] = tomllib.loads(
    (Path(drproof.__file__).parent / "embedded" / "settings.toml").read_text(encoding="utf-8")
)
_numbers = itertools.count(1)
BEGAN = SystemClock().now()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.World]:
    """A healthy world; what one test makes in it carries that test's own names."""
    started = embedded.start(tmp_path_factory.mktemp("world"), scenario="none", linger=3600)
    yield started
    started.stop()


@pytest.fixture
def intent() -> Intent:
    """An effect that nobody asked for before."""
    return make_intent()


_tokens: list[str] = []


def make_intent() -> Intent:
    """Return an intent with a token of its own."""
    _tokens.append(secrets.token_hex(16))
    return Intent(number=next(_numbers), verb="test", resource="thing", token=_tokens[-1])


def bounds(**changes: Any) -> Bounds:
    """Return what a journal would say that knows every intent of these tests."""
    whole: dict[str, Any] = {
        "account_id": NAMES["sites"]["recovery"]["account_id"],
        "network": "embedded",
        "tokens": tuple(_tokens),
        "since": BEGAN,
        "most": 5,
    }
    return Bounds(**{**whole, **changes})


def settings(kind: str = "auto", *, key: str = "", **changes: Any) -> Settings:
    """Return settings of the embedded world with a remote state of their own."""
    sites = {side: Site(owner=at["account_id"], **at) for side, at in NAMES["sites"].items()}
    named = NAMES["recovery"]["provisioner"]
    builds = BuildSettings(**named["codebuild"])
    provisioner = {"kind": kind, "state_bucket": named["state_bucket"], "state_key": key, "codebuild": builds}
    return Settings(
        target="embedded",
        backup_uri=NAMES["drill"]["backup_uri"],
        image_ref=NAMES["drill"]["image_ref"],
        sites=Sites(**sites),
        primary=Primary(
            bucket=NAMES["primary"]["bucket"],
            prefix=NAMES["primary"]["prefix"],
            metrics=Metrics(**NAMES["primary"]["metrics"]),
            alarms=tuple(NAMES["primary"]["alarms"]["names"]),
        ),
        recovery=Recovery(
            bucket=NAMES["recovery"]["bucket"],
            prefix=NAMES["recovery"]["prefix"],
            runner_name=NAMES["recovery"]["runner_name"],
            runner_purpose=NAMES["recovery"]["runner_purpose"],
            topic_arn=NAMES["recovery"]["topic_arn"],
            provisioner=ProvisionerSettings(**{**provisioner, **changes}),
        ),
        validation=Validation(commands=(Command(name="host_answers", run="uname -s"),)),
        cluster=ClusterSettings(
            namespace=NAMES["cluster"]["namespace"],
            publishing_config_map=NAMES["cluster"]["publishing"]["config_map"],
            publishing_off=NAMES["cluster"]["publishing"]["off"],
        ),
    )


Opener = Callable[..., AwsTarget]


@pytest.fixture
def opened(world: embedded.World, tmp_path: Path) -> Opener:
    """Open the world's sites for a drill; by default each with an origin and a state of its own."""

    def open_it(kind: str = "auto", *, origin: str = "", key: str = "", directory: Path = tmp_path) -> AwsTarget:
        name = origin or f"drill-{secrets.token_hex(4)}"
        return open_target(
            settings(kind, key=key or f"t/{name}.tfstate"), world.endpoint, directory=directory, origin=name
        )

    return open_it


@pytest.fixture
def target(opened: Opener) -> AwsTarget:
    """Both sites of the world."""
    return opened()


def spec(origin: str, **changes: Any) -> RunnerSpec:
    """Return the machine of a drill."""
    whole: dict[str, Any] = {
        "name": "atlas-dr-runner",
        "purpose": "atlas-dr",
        "instance_type": "t4g.medium",
        "vpc_id": "embedded",
        "subnet_id": "embedded",
        "allowed_cidr": "10.0.0.0/8",
        "tags": {DRILL_TAG: origin, EXPIRES_TAG: "2030-01-01T00:00:00.000Z"},
    }
    return RunnerSpec(**{**whole, **changes})


@pytest.fixture
def stranger(world: embedded.World) -> Callable[[str], Any]:
    """Return a plain SDK client of the recovery account: what others do there."""
    issued = embedded.credentials(world.endpoint)["recovery"]

    def client(service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=issued["region"],
            endpoint_url=world.endpoint,
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    return client


@pytest.fixture
def table(stranger: Callable[[str], Any]) -> Iterator[str]:
    """A table in which Terraform locks."""
    name = f"locks-{secrets.token_hex(4)}"
    make_table(stranger("dynamodb"), name)
    yield name
    stranger("dynamodb").delete_table(TableName=name)
