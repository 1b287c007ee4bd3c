"""The shipped Terraform module: planned, applied, applied again and destroyed by the real binary and the AWS provider."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from drproof.model.changes import Planned
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.errors import QuotaError, TargetError
from drproof.phases.recovery.by_hand import commands
from drproof.targets import embedded, open_target
from drproof.targets.provisioners import modules
from drproof.targets.sites import AwsTarget
from tests.patience import PATIENCE
from tests.roles.asked import note
from tests.roles.exceptions import TOLERATED
from tests.targets.conftest import bounds, make_intent, settings, spec
from tests.targets.test_provisioners import STATES, lock_is_free, owned
from tests.terraform_here import MIRROR, PROVIDER, needs_provider, needs_terraform

pytestmark = pytest.mark.costly

MODULE = Path(str(files("drproof.deploy") / "terraform" / "recovery"))
SHA256 = "ab" * 32
READS_THE_STATE = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::atlas-recovery/drills/*"}]}"""
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@pytest.fixture
def network(stranger: Callable[[str], Any]) -> dict[str, str]:
    """A network of the recovery account, and an image that it knows."""
    ec2 = stranger("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    image = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["arm64"]}])["Images"]
    image = image or ec2.describe_images()["Images"]
    return {"vpc_id": subnet["VpcId"], "subnet_id": subnet["SubnetId"], "ami_id": image[0]["ImageId"]}


@pytest.fixture
def origin(request: pytest.FixtureRequest) -> str:
    """A drill of this test's own."""
    return f"drill-{abs(hash(request.node.name)):x}"


Opened = Callable[..., AwsTarget]


@pytest.fixture
def as_builds(world: embedded.World) -> Iterator[None]:
    """Deny what the builds' role is not granted because who asks for it goes on without it."""
    for action in TOLERATED["builds"]:
        service, _, name = action.partition(":")
        rule = {"kind": "denied", "service": service, "action": name, "times": 0}
        embedded.ask(world.endpoint, "POST", "faults", rule)
    yield
    embedded.ask(world.endpoint, "DELETE", "faults")


@pytest.fixture
def site(world: embedded.World, tmp_path: Path, origin: str, network: dict[str, str]) -> AwsTarget:
    """The world's sites with the shipped module."""
    variables = {"ami_id": network["ami_id"], "k3s_sha256": SHA256}
    return open_target(
        settings("terraform", key=f"t/{origin}.tfstate", module="aws", variables=variables, provider_mirror=MIRROR),
        world.endpoint,
        directory=tmp_path,
        origin=origin,
    )


@needs_terraform
def test_the_module_is_formatted_as_terraform_formats() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", str(MODULE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_provider
@pytest.mark.usefixtures("as_builds")
def test_the_machine_of_the_module_comes_up_stays_and_goes_away(
    world: embedded.World, site: AwsTarget, origin: str, network: dict[str, str], stranger: Callable[[str], Any]
) -> None:
    provisioner = site.recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])
    began = len(world.calls())
    change = provisioner.up(make_intent(), machine)
    calls = world.calls()[began:]
    note("builds", "recovery module: up", calls)
    (runner,) = site.recovery.fleet.runners({DRILL_TAG: origin})

    # The builds' role may tag only by the request that makes a thing, and make a disk only with the drill's tags.
    assert [call["action"] for call in calls if call["action"] == "CreateTags"] == []
    assert change.planned is not None
    assert (change.created, change.changed, change.destroyed) == (5, 0, 0)
    assert (change.planned.create, change.planned.change, change.planned.destroy) == (5, 0, 0)
    assert change.created_ids == (runner.instance_id,)
    assert change.outputs["instance_id"] == runner.instance_id
    assert change.providers == {PROVIDER: "5.100.0"}
    assert provisioner.holds() == (
        f"aws_iam_instance_profile.runner {_unique(origin)}|{_unique(origin)}",
        f"aws_iam_role.runner {_unique(origin)}",
        f"aws_iam_role_policy_attachment.ssm {_unique(origin)}|{SSM}",
        "aws_instance.runner",
        "aws_security_group.runner",
    )
    _is_as_promised(stranger, runner.instance_id, machine.tags)

    later = spec(
        origin,
        vpc_id=network["vpc_id"],
        subnet_id=network["subnet_id"],
        tags={DRILL_TAG: origin, EXPIRES_TAG: "2031-01-01T00:00:00.000Z"},
    )
    again = provisioner.up(make_intent(), later)
    assert again.planned == Planned(create=0, change=0, destroy=0)
    assert (again.created, again.changed, again.destroyed, again.created_ids) == (0, 0, 0, ())

    began = len(world.calls())
    gone = provisioner.down(make_intent(), machine, bounds())
    assert gone.providers == change.providers, "what takes it away is told as what brought it up"
    note("builds", "recovery module: down", world.calls()[began:])
    assert gone.destroyed == 5
    assert owned(site, origin) == []
    assert provisioner.holds() == ()
    assert lock_is_free(site, origin)
    with pytest.raises(stranger("iam").exceptions.NoSuchEntityException):
        stranger("iam").get_role(RoleName=_unique(origin))


def _is_as_promised(stranger: Callable[[str], Any], instance_id: str, tags: Any) -> None:
    """Assert what a reader of the module is promised, by what the platform says of the machine."""
    ec2 = stranger("ec2")
    machine = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    assert machine["InstanceType"] == "t4g.medium"
    assert machine["MetadataOptions"]["HttpTokens"] == "required"
    volume_id = machine["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    (volume,) = ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"]
    assert volume["Encrypted"] is True
    for carried in (machine["Tags"], volume["Tags"]):
        found = {tag["Key"]: tag["Value"] for tag in carried}
        assert {key: found.get(key) for key in (DRILL_TAG, EXPIRES_TAG)} == dict(tags)
    mine = [{"Name": f"tag:{DRILL_TAG}", "Values": [tags[DRILL_TAG]]}]
    (group,) = ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
    (rule,) = group["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"][0]["CidrIp"]) == (6443, 6443, "10.0.0.0/8")
    script = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")["UserData"]["Value"]
    assert script


@needs_provider
@pytest.mark.usefixtures("as_builds")
def test_the_machine_may_read_what_a_named_policy_lets_it_and_gives_it_back(
    world: embedded.World, tmp_path: Path, origin: str, network: dict[str, str], stranger: Callable[[str], Any]
) -> None:
    iam = stranger("iam")
    arn = iam.create_policy(PolicyName=f"{origin}-reads", PolicyDocument=READS_THE_STATE)["Policy"]["Arn"]
    variables = {
        "ami_id": network["ami_id"],
        "k3s_sha256": SHA256,
        "machine_policy_arn": arn,
        "metadata_hop_limit": "2",
    }
    chosen = settings("terraform", key=f"t/{origin}.tfstate", module="aws", variables=variables, provider_mirror=MIRROR)
    provisioner = open_target(chosen, world.endpoint, directory=tmp_path, origin=origin).recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])
    began = len(world.calls())

    (made,) = provisioner.up(make_intent(), machine).created_ids

    attached = iam.list_attached_role_policies(RoleName=_unique(origin))["AttachedPolicies"]
    assert {one["PolicyArn"] for one in attached} == {SSM, arn}
    (found,) = stranger("ec2").describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"]
    assert found["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert f"aws iam detach-role-policy --role-name {_unique(origin)} --policy-arn {arn}" in commands(
        provisioner.holds()
    )
    assert provisioner.down(make_intent(), machine, bounds()).destroyed == 6
    note("builds", "recovery module: a named policy", world.calls()[began:])
    assert provisioner.holds() == ()
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0, "it is somebody else's, and stays"


@needs_provider
def test_an_image_that_a_parameter_names_is_read_once_and_told(
    world: embedded.World, tmp_path: Path, origin: str, network: dict[str, str], stranger: Callable[[str], Any]
) -> None:
    ssm, name = stranger("ssm"), f"/{origin}/ami-id"
    ssm.put_parameter(Name=name, Type="String", Value=network["ami_id"])
    variables = {"ami_parameter": name, "k3s_sha256": SHA256}
    chosen = settings("terraform", key=f"t/{origin}.tfstate", module="aws", variables=variables, provider_mirror=MIRROR)
    site = open_target(chosen, world.endpoint, directory=tmp_path, origin=origin)
    provisioner = site.recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])

    change = provisioner.up(make_intent(), machine)

    assert change.outputs["ami_id"] == network["ami_id"]
    found = stranger("ec2").describe_instances(InstanceIds=[*change.created_ids])["Reservations"][0]["Instances"]
    assert [one["ImageId"] for one in found] == [network["ami_id"]]
    ssm.put_parameter(Name=name, Type="String", Value="ami-0123456789abcdef0", Overwrite=True)
    again = provisioner.up(make_intent(), machine)
    assert again.planned == Planned(create=0, change=0, destroy=0)
    assert again.outputs["ami_id"] == network["ami_id"]
    provisioner.down(make_intent(), machine, bounds())
    assert provisioner.holds() == ()


@needs_provider
def test_an_apply_that_is_refused_right_after_the_parameter_was_read_leaves_the_target_to_the_next_drill(
    world: embedded.World, tmp_path: Path, origin: str, network: dict[str, str], stranger: Callable[[str], Any]
) -> None:
    """All that is in the state then is what the parameter said: of no drill, it would be in the way of every one."""
    name = f"/{origin}/ami-id"
    stranger("ssm").put_parameter(Name=name, Type="String", Value=network["ami_id"])
    variables = {"ami_parameter": name, "k3s_sha256": SHA256}
    chosen = settings("terraform", key=f"t/{origin}.tfstate", module="aws", variables=variables, provider_mirror=MIRROR)
    site = open_target(chosen, world.endpoint, directory=tmp_path, origin=origin)
    provisioner = site.recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])
    for action in ("CreateRole", "CreateSecurityGroup"):
        embedded.ask(world.endpoint, "POST", "faults", {"kind": "denied", "action": action, "times": 0})
    try:
        with pytest.raises(TargetError):
            provisioner.up(make_intent(), machine)
    finally:
        embedded.ask(world.endpoint, "DELETE", "faults")
    assert provisioner.holds() == ("terraform_data.image[0]",)

    provisioner.down(make_intent(), machine, bounds())

    assert provisioner.holds() == ()


@needs_provider
def test_an_apply_that_fails_half_way_is_no_success_and_leaves_nothing(
    site: AwsTarget, origin: str, network: dict[str, str], stranger: Callable[[str], Any]
) -> None:
    provisioner = site.recovery.provisioner
    nowhere = spec(origin, vpc_id=network["vpc_id"], subnet_id="subnet-00000000000000000")
    with pytest.raises(TargetError) as caught:
        provisioner.up(make_intent(), nowhere)
    assert "subnet-00000000000000000" in str(caught.value)
    assert "next: " in str(caught.value)
    assert f"aws_iam_role.runner {_unique(origin)}" in provisioner.holds()
    assert "aws_instance.runner" not in provisioner.holds()

    assert provisioner.down(make_intent(), nowhere, bounds()).destroyed == 4
    assert provisioner.holds() == ()
    assert owned(site, origin) == []
    with pytest.raises(stranger("iam").exceptions.NoSuchEntityException):
        stranger("iam").get_role(RoleName=_unique(origin))


@needs_provider
@pytest.mark.parametrize(
    ("code", "family"), [("VcpuLimitExceeded", QuotaError), ("UnauthorizedOperation", TargetError)]
)
def test_what_the_platform_refused_half_way_is_told_by_its_own_code(
    site: AwsTarget, origin: str, network: dict[str, str], world: embedded.World, code: str, family: type[TargetError]
) -> None:
    """A quota that leaves no room is no failed recovery, and a right that is missing is missing the next time as well."""
    provisioner = site.recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])
    rule = {"kind": "denied", "service": "ec2", "action": "RunInstances", "times": 0, "code": code}
    embedded.ask(world.endpoint, "POST", "faults", rule)
    try:
        with pytest.raises(TargetError) as caught:
            provisioner.up(make_intent(), machine)
    finally:
        embedded.ask(world.endpoint, "DELETE", "faults")

    assert (type(caught.value), caught.value.code) == (family, code)
    assert provisioner.down(make_intent(), machine, bounds()).destroyed == 4
    assert provisioner.holds() == ()


@needs_provider
def test_a_destroy_that_fails_says_what_is_still_held_and_can_be_tried_again(
    site: AwsTarget, origin: str, network: dict[str, str], world: embedded.World
) -> None:
    provisioner = site.recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])
    provisioner.up(make_intent(), machine)
    rule = {"kind": "denied", "service": "iam", "action": "DeleteRole", "times": 0}
    embedded.ask(world.endpoint, "POST", "faults", rule)
    try:
        with pytest.raises(TargetError) as caught:
            provisioner.down(make_intent(), machine, bounds())
    finally:
        embedded.ask(world.endpoint, "DELETE", "faults")
    assert caught.value.code == "AccessDenied"
    assert provisioner.holds() == (f"aws_iam_role.runner {_unique(origin)}",)
    assert owned(site, origin) == []

    provisioner.down(make_intent(), machine, bounds())
    assert provisioner.holds() == ()


@needs_provider
def test_a_state_that_was_lost_does_not_keep_the_machine_up(
    site: AwsTarget, origin: str, network: dict[str, str], stranger: Callable[[str], Any]
) -> None:
    """The machine is found by its tags; what carries no tag of EC2 is named by the receipts, with its command."""
    provisioner = site.recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])
    made = provisioner.up(make_intent(), machine).created_ids
    by_hand = commands(provisioner.holds())
    assert [command.rpartition(" ")[2] for command in by_hand] == [SSM, _unique(origin), _unique(origin)]
    site.recovery.objects.delete(make_intent(), STATES, [f"t/{origin}.tfstate"])
    assert provisioner.holds() == ()
    # Terraform's provider has client tokens of its own: by the journal's list of what was made, it is the drill's.
    assert provisioner.down(make_intent(), machine, bounds(identities=made)).destroyed == 1
    assert "instance" not in owned(site, origin)
    assert stranger("iam").get_role(RoleName=_unique(origin))["Role"]["RoleName"] == _unique(origin)


@needs_provider
def test_a_plan_that_takes_something_away_is_not_applied(
    site: AwsTarget, world: embedded.World, origin: str, network: dict[str, str], tmp_path: Path
) -> None:
    provisioner = site.recovery.provisioner
    machine = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"])
    provisioner.up(make_intent(), machine)
    (before,) = site.recovery.fleet.runners({DRILL_TAG: origin})
    other = spec(origin, vpc_id=network["vpc_id"], subnet_id=network["subnet_id"], name="another-name")
    with pytest.raises(TargetError, match=r"expected a bring-up that only adds, got a plan that takes away aws_") as e:
        provisioner.up(make_intent(), other)
    assert e.value.code == "PlanDestroys"
    assert lock_is_free(site, origin)
    (after,) = site.recovery.fleet.runners({DRILL_TAG: origin})
    assert after.instance_id == before.instance_id
    provisioner.down(make_intent(), machine, bounds())
    assert provisioner.holds() == ()


@needs_provider
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("allowed_cidr", "0.0.0.0/0", "lets everybody in"),
        pytest.param("allowed_cidr", "ten", "no CIDR block", marks=pytest.mark.exhaustive),
        pytest.param("instance_type", "m5.large", "no ARM family", marks=pytest.mark.exhaustive),
        pytest.param("ami_id", "ubuntu", "no id of an image", marks=pytest.mark.exhaustive),
        ("ami_id", "", "Exactly one of ami_id and ami_parameter"),
        pytest.param(
            "ami_parameter",
            "/aws/service/x/ami-id",
            "Exactly one of ami_id and ami_parameter",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param("ami_parameter", "ubuntu", "no name of a parameter", marks=pytest.mark.exhaustive),
        pytest.param("k3s_sha256", "abc", "no SHA-256", marks=pytest.mark.exhaustive),
        pytest.param("k3s_url", "http://x", "https://", marks=pytest.mark.exhaustive),
        ("machine_policy_arn", "arn:aws:iam::aws:policy/AdministratorAccess", "no policy of the recovery account"),
        pytest.param("metadata_hop_limit", 3, "metadata_hop_limit is 1, or 2", marks=pytest.mark.exhaustive),
        pytest.param("tags", {}, "nobody could find and remove", marks=pytest.mark.exhaustive),
        pytest.param("account_id", "1", "twelve digits", marks=pytest.mark.exhaustive),
    ],
)
def test_what_would_weaken_the_machine_is_refused_before_anything_is_asked(
    variable: str, value: object, said: str, validated: Path
) -> None:
    good = {
        "region": "us-west-2",
        "account_id": "444455556666",
        "tags": {DRILL_TAG: "d", EXPIRES_TAG: "2030-01-01T00:00:00.000Z"},
        "vpc_id": "vpc-1",
        "subnet_id": "subnet-1",
        "ami_id": "ami-0123456789abcdef0",
        "k3s_sha256": SHA256,
    }
    (validated / "given.auto.tfvars.json").write_text(json.dumps({**good, variable: value}))
    done = _terraform(validated, "plan", "-input=false", "-no-color", "-lock=false")
    assert done.returncode == 1
    assert said in " ".join(done.stderr.replace("│", " ").split())


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the module with its plugins, and a state that nobody keeps."""
    folder = tmp_path_factory.mktemp("module")
    shutil.copytree(MODULE, folder, dirs_exist_ok=True)
    (folder / "local_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    modules.Module(name="aws", folder=folder, mirror=MIRROR).configuration(folder)
    done = _terraform(folder, "init", "-input=false", "-no-color")
    assert done.returncode == 0, done.stderr
    return folder


def _terraform(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CHECKPOINT_DISABLE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    return subprocess.run(
        ["terraform", *words],
        cwd=folder,
        env={**kept, **keys, "TF_CLI_CONFIG_FILE": str(folder / modules.CLI_FILE)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


@needs_provider
def test_the_module_is_valid(validated: Path) -> None:
    done = _terraform(validated, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_machine_starts_one_binary_by_its_digest_and_pipes_nothing_into_a_shell() -> None:
    script = (MODULE / "templates" / "user-data.sh.tftpl").read_text()
    assert "sha256sum --check --strict" in script
    assert script.index("sha256sum") < script.index("install --mode")
    assert not re.search(r"\|\s*(?:ba)?sh\b", script)


@pytest.mark.parametrize(
    ("said", "variables", "mirror", "expected"),
    [
        ("aws", {}, "", "expected ami_id or ami_parameter and k3s_sha256, which the shipped module pins"),
        ("aws", {"ami_parameter": "/x", "k3s_sha256": ""}, "", "expected k3s_sha256, which"),
        ("aws", {"ami_id": "ami-1"}, "", "expected k3s_sha256"),
        ("", {}, "", "expected ami_id or ami_parameter and k3s_sha256"),
        ("/nowhere", {}, "", "expected builtin, aws or a folder with a module"),
        ("builtin", {"x": "y"}, "", "the built-in module takes none"),
        ("aws", {"ami_id": "a", "k3s_sha256": "b", "region": "c"}, "", "expected none of region"),
        ("aws", {"ami_id": "a", "k3s_sha256": "b"}, "/nowhere", "expected a folder with Terraform's plugins"),
    ],
)
def test_a_module_that_cannot_be_used_is_refused_by_its_setting(
    said: str, variables: dict[str, str], mirror: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=r"recovery\.provisioner\.") as caught:
        modules.chosen(said, variables, mirror, rehearsal=False)
    assert expected in str(caught.value)


def test_a_rehearsal_uses_the_built_in_module_and_a_real_account_the_shipped_one() -> None:
    assert modules.chosen("", {}, "", rehearsal=True).name == "builtin"
    needed = {"ami_id": "ami-1", "k3s_sha256": SHA256}
    shipped = modules.chosen("", needed, "", rehearsal=False)
    assert (shipped.name, shipped.folder) == ("aws", MODULE)


def _unique(origin: str) -> str:
    from hashlib import sha1

    return f"atlas-dr-runner-{sha1(origin.encode(), usedforsecurity=False).hexdigest()[:8]}"


LOCKED = """terraform {
  backend "s3" {}
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

# Nothing is planned: what comes after init fails.
output "instance_id" {
  value = var.nowhere
}
"""


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the documented command writes for the shipped module, on this platform."""
    folder = tmp_path_factory.mktemp("locked") / "module"
    shutil.copytree(MODULE, folder)
    platform = json.loads(_terraform(folder, "version", "-json").stdout)["platform"]
    done = _terraform(folder, "providers", "lock", f"-fs-mirror={MIRROR}", f"-platform={platform}", "-no-color")
    assert done.returncode == 0, done.stderr
    return (folder / modules.LOCK_FILE).read_text()


@needs_provider
@pytest.mark.parametrize(
    ("spoil", "ends"),
    [
        (lambda text: text, "terraform:validate"),
        (lambda text: re.sub(r"h1:.{4}", "h1:AAAA", text), "terraform:init"),
        (lambda _: "", "terraform:init"),
    ],
    ids=["the plugin is the locked one", "the plugin is another one", "the lock names no plugin"],
)
def test_a_module_with_a_lock_file_runs_the_plugins_that_it_names_and_no_other(
    spoil: Callable[[str], str], ends: str, lock: str, origin: str, world: embedded.World, tmp_path: Path
) -> None:
    module = tmp_path / "own"
    module.mkdir()
    (module / "main.tf").write_text(LOCKED)
    (module / modules.LOCK_FILE).write_text(spoil(lock))
    chosen = settings("terraform", key=f"t/{origin}.tfstate", module=str(module), provider_mirror=MIRROR)
    site = open_target(chosen, world.endpoint, directory=tmp_path / "used", origin=origin)

    with pytest.raises(TargetError) as caught:
        site.recovery.provisioner.up(make_intent(), spec(origin))

    assert caught.value.call == ends
    refused = ends == "terraform:init"
    assert (caught.value.code == "PluginDiffers") is refused
    assert ("next: find out why the plugin is another one" in str(caught.value)) is refused
    assert (module / modules.LOCK_FILE).read_text() == spoil(lock), "the module is the operator's"
    assert owned(site, origin) == []


def test_the_shipped_modules_pin_one_provider_by_one_version_and_ship_no_lock_of_one_platform() -> None:
    folders = sorted(path for path in MODULE.parent.iterdir() if path.is_dir() and any(path.glob("*.tf")))
    assert [folder.name for folder in folders] == ["orchestrator", "reaper", "recovery"]
    for folder in folders:
        text = "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))
        assert re.findall(r"required_providers \{(.*?)\n  \}", text, re.DOTALL) == [
            '\n    aws = {\n      source  = "hashicorp/aws"\n      version = "5.100.0"\n    }'
        ], folder.name
        assert re.findall(r'required_version = "(.*)"', text) == [">= 1.10.0"], folder.name
        assert not (folder / modules.LOCK_FILE).exists()
