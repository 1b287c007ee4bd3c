"""What the phases of a preflight observe when a drill could start, and what that is judged by."""

from drproof.model.criteria import Preflight
from drproof.model.readiness import Decision, QuotaSeen
from drproof.model.receipt import Caller
from drproof.phases.preflight.read_domains import BucketPlace, DomainsObserved, SitePlace
from drproof.phases.preflight.read_identities import IdentitiesObserved, IdentitySeen
from drproof.phases.preflight.read_people import PeopleObserved
from drproof.phases.preflight.read_permissions import PermissionsObserved, SitePermissions
from drproof.phases.preflight.read_quotas import QuotaRead, QuotasObserved
from drproof.phases.preflight.read_roles import RoleRead, RolesObserved
from drproof.phases.preflight.read_state import StateObserved
from drproof.phases.preflight.read_tools import ToolsObserved
from drproof.phases.preflight.read_triggers import Trigger, TriggersObserved
from drproof.phases.preflight.try_pull_secret import PullTried

NEEDED_MS = 3_600_000
ASKED_AT, ENDS_AT, ENOUGH = "2026-01-31T12:00:00.000Z", "2026-02-01T00:00:00.000Z", "2026-01-31T13:00:00.000Z"
PRIMARY = Caller(arn="arn:aws:iam::111122223333:role/drill", account_id="111122223333", region="us-east-1")
RECOVERY = Caller(arn="arn:aws:iam::444455556666:role/drill", account_id="444455556666", region="us-west-2")
REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
TOPIC = "arn:aws:sns:us-west-2:444455556666:people"

DEMANDED = Preflight(
    credentials_ms=NEEDED_MS,
    quotas=("vCPUs", "builds"),
    uses=("messages.publish", "objects.read"),
    roles=("builds", "machine"),
    triggers=("rule atlas-schedule", "alarm atlas-outage"),
    domains=(
        "account",
        "region",
        "vpc",
        "subnet",
        "recovery bucket",
        "state bucket",
        "backup bucket",
        "receipt bucket",
    ),
    login_expected=True,
    cluster_expected=True,
)

IDENTITIES = IdentitiesObserved(
    primary=IdentitySeen(caller=PRIMARY, asked_at=ASKED_AT, expires_at="", skew_ms=-400),
    recovery=IdentitySeen(caller=RECOVERY, asked_at=ASKED_AT, expires_at=ENDS_AT, skew_ms=700),
)
VCPUS = QuotaSeen(service="ec2", code="L-1216C47A", name="standard vCPUs", value=32, in_use=4, needed=2)
BUILDS = QuotaSeen(service="codebuild", code="L-1", name="concurrent builds", value=1, in_use=0, needed=1)
QUOTAS = QuotasObserved(
    instance_type="t4g.medium",
    quotas=(
        QuotaRead(name="vCPUs", status="ok", quota=VCPUS),
        QuotaRead(name="builds", status="ok", quota=BUILDS),
        QuotaRead(name="of no concern", status="AccessDenied"),
    ),
)
GET = Decision(verb="objects.read", action="s3:GetObject", resource="arn:aws:s3:::atlas/*", decision="allowed")
LIST = Decision(verb="objects.read", action="s3:ListBucket", resource="arn:aws:s3:::atlas", decision="allowed")
PUBLISH = Decision(verb="messages.publish", action="sns:Publish", resource=TOPIC, decision="allowed")
PERMISSIONS = PermissionsObserved(
    provisioner="terraform",
    primary=SitePermissions(principal=PRIMARY.arn, status="simulated", decisions=(GET, LIST)),
    recovery=SitePermissions(principal=RECOVERY.arn, status="simulated", decisions=(PUBLISH,)),
)
PROJECT = "arn:aws:codebuild:us-west-2:444455556666:project/atlas-dr-infra"
MADE = Decision(
    verb="recovery module: tags",
    action="ec2:CreateTags",
    resource="arn:aws:ec2:us-west-2:444455556666:*/*",
    decision="allowed",
    condition={"StringEquals": {"ec2:CreateAction": ("RunInstances",)}},
)
BUILT = Decision(verb="BringupInfra", action="codebuild:StartBuild", resource=PROJECT, decision="allowed")
HEARD = Decision(verb="BringupInfra", action="events:PutRule", resource="*", decision="allowed")
ROLES = RolesObserved(
    roles=(
        RoleRead(role="builds", principal="arn:aws:iam::444455556666:role/b", status="simulated", decisions=(MADE,)),
        RoleRead(
            role="machine", principal="arn:aws:iam::444455556666:role/m", status="simulated", decisions=(BUILT, HEARD)
        ),
    )
)
TRIGGERS = TriggersObserved(
    site="recovery",
    triggers=(
        Trigger(name="rule atlas-schedule", state="disabled"),
        Trigger(name="alarm atlas-outage", state="disabled"),
    ),
)
STATE = StateObserved(
    bucket="atlas-state",
    owner=RECOVERY.account_id,
    status="ok",
    versioned="yes",
    encrypted="yes",
    private="yes",
    state="new",
    held=(),
)
PLACES = tuple(
    BucketPlace(name=f"{name} bucket", bucket=f"atlas-{name}", region="us-west-2", status="ok")
    for name in ("recovery", "state", "backup", "receipt")
)
DOMAINS = DomainsObserved(
    primary=SitePlace(account=PRIMARY.account_id, region="us-east-1", vpc="us-east-1/vpc-1", subnet="us-east-1/"),
    recovery=SitePlace(
        account=RECOVERY.account_id, region="us-west-2", vpc="us-west-2/vpc-1", subnet="us-west-2/subnet-1"
    ),
    published="atlas-primary",
    buckets=PLACES,
)
PULL = PullTried(registry=REGISTRY, login="ok", asked_at=ASKED_AT, expires_at=ENDS_AT, cluster="ok", tried_in="default")
PEOPLE = PeopleObserved(topic=TOPIC, status="ok", confirmed=1, pending=0, approvers=("somebody",))
TOOLS = ToolsObserved(asked="auto", kind="terraform", version="1.11.4", status="ok")
