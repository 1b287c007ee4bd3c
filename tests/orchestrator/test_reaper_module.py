"""The reaper's module deploys the package that it is told of, as the orchestrator's does, and nothing else."""

import inspect
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from drproof.cli.package import package
from drproof.formats.hcl import Block, Expression, parse
from drproof.targets import embedded
from tests.shares import FEW
from tests.targets.decoys import Yard, yard_in
from tests.terraform_here import configuration, needs_provider

DEPLOY = Path(str(files("drproof.deploy"))) / "terraform"
MODULE = DEPLOY / "reaper"
OF_A_PACKAGE = ("architecture", "package", "package_sha256", "runtime")
SERVICES = ("cloudwatch", "cloudwatchevents", "iam", "lambda", "logs", "sts")
SITE = {
    "account_id": "444455556666",
    "region": "us-west-2",
    "runner_name": "atlas-dr-runner",
    "recovery_bucket": "atlas-recovery",
    "recovery_prefix": "atlas/drills",
    "state_bucket": "atlas-dr-tfstate",
    "state_key": "atlas/recovery.tfstate",
}


def variables(module: str) -> dict[str, Block]:
    """Return the variables of a module."""
    parsed = [parse(path.read_bytes()) for path in sorted((DEPLOY / module).glob("*.tf"))]
    return {block.labels[0]: block for file in parsed for block in file.inside("variable")}


def function(module: str, file: str, name: str) -> Block:
    resources = parse((DEPLOY / module / file).read_bytes()).inside("resource")
    (found,) = (one for one in resources if one.labels == ("aws_lambda_function", name))
    return found


@pytest.mark.parametrize("name", OF_A_PACKAGE)
def test_a_package_is_told_to_the_reaper_as_to_the_orchestrator(name: str) -> None:
    assert variables("reaper")[name] == variables("orchestrator")[name]


def test_the_reaper_runs_on_what_its_package_was_built_for_as_the_orchestrator_does() -> None:
    ours, theirs = function("reaper", "main.tf", "reaper"), function("orchestrator", "functions.tf", "orchestrator")

    for name in ("architectures", "filename", "runtime", "source_code_hash"):
        assert ours.attributes[name] == theirs.attributes[name], name
    assert ours.attributes["architectures"] == [Expression("var.architecture")]
    (said,), (meant,) = (
        [one.attributes["condition"] for one in found.all_blocks() if one.kind == "precondition"]
        for found in (ours, theirs)
    )
    assert said == meant


def test_the_page_names_each_variable_with_what_it_is_where_nobody_says_anything() -> None:
    page = (Path(__file__).parents[2] / "docs" / "residue.md").read_text(encoding="utf-8")
    section = page.partition("\n### Deploying it\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)?) \| ([^|]+) \|", section, re.MULTILINE)

    told = {name: said for names, said in rows for name in re.findall(r"`(\w+)`", names)}
    assert told == {name: _said(block.attributes) for name, block in variables("reaper").items()}


def _said(variable: Mapping[str, Any]) -> str:
    if "default" not in variable:
        return "needed"
    default = variable["default"]
    if default in ("", []):
        return "none"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


class Planned:
    """The module in a folder of its own, planned against one embedded world."""

    def __init__(self, yard: Yard, folder: Path) -> None:
        self.folder = folder / "reaper"
        shutil.copytree(MODULE, self.folder)
        with zipfile.ZipFile(folder / "functions.zip", "w") as archive:
            archive.writestr("drproof.toml", 'target = "aws"\n')
        told = {"package": str(folder / "functions.zip"), "package_sha256": self.digest(folder / "functions.zip")}
        (self.folder / "v.auto.tfvars.json").write_text(json.dumps(SITE | told))
        # The world answers every service at one place, and its state is nobody's business.
        (self.folder / "world_override.tf.json").write_text('{"terraform": {"backend": {"local": {}}}}')
        issued = embedded.credentials(yard.world.endpoint)["recovery"]
        provider = {
            "region": issued["region"],
            "access_key": issued["access_key_id"],
            "secret_key": issued["secret_access_key"],
            "endpoints": [dict.fromkeys(SERVICES, yard.world.endpoint)],
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_region_validation": True,
        }
        (self.folder / "world.tf.json").write_text(json.dumps({"provider": {"aws": provider}}))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(configuration(folder)),
            "CHECKPOINT_DISABLE": "1",
        }
        self.terraform("init", "-input=false")

    @staticmethod
    def digest(file: Path) -> str:
        return sha256(file.read_bytes()).hexdigest()

    def terraform(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            ["terraform", *words, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return " ".join(re.sub(r"[│╷╵]", " ", done.stdout + done.stderr).split())

    def function(self, **told: str) -> Mapping[str, Any]:
        """Return the function as it would be made where these variables are told besides."""
        words = [word for name, value in told.items() for word in ("-var", f"{name}={value}")]
        self.terraform("plan", "-input=false", "-out=planned", *words)
        made = json.loads(self.terraform("show", "-json", "planned"))["planned_values"]["root_module"]["resources"]
        (found,) = (one["values"] for one in made if one["type"] == "aws_lambda_function")
        return dict(found)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planned]:
    yard = yard_in(tmp_path_factory.mktemp("yard"))
    yield Planned(yard, tmp_path_factory.mktemp("reaper"))
    yard.world.stop()


@needs_provider
@pytest.mark.costly("the reaper by Terraform", days=FEW)
def test_the_function_runs_on_what_is_told_and_else_on_what_is_packed_where_nobody_says(planned: Planned) -> None:
    packed = inspect.signature(package).parameters["architecture"].default.value

    made = planned.function()
    assert (made["architectures"], made["runtime"]) == ([packed], "python3.13")

    made = planned.function(architecture="x86_64", runtime="python3.12")
    assert (made["architectures"], made["runtime"]) == (["x86_64"], "python3.12")


@needs_provider
@pytest.mark.costly("the reaper by Terraform", days=FEW)
@pytest.mark.parametrize(
    ("told", "says"),
    [
        (f"package_sha256={'0' * 64}", "another one than package_sha256 names"),
        ("package_sha256=", "is no SHA-256 of 64 digits"),
        ("architecture=aarch64", "architecture is arm64 or x86_64"),
        ("region=eu-north-1", "expected eu-north-1, where the drills are"),
    ],
)
def test_another_package_or_place_than_the_one_that_is_told_is_refused(told: str, says: str, planned: Planned) -> None:
    assert says in planned.terraform("plan", "-input=false", "-var", told, status=1)
