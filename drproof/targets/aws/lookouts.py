"""What a site has beside its machines that a drill depends on: rules, lock tables, guards of buckets, topics."""

from collections.abc import Iterable, Mapping
from typing import Any

from drproof.model.errors import NotFoundError, TargetError
from drproof.model.readiness import Guarded, Heard
from drproof.targets.aws import buckets
from drproof.targets.aws.errors import translated

YES, NO = "yes", "no"
UNGUARDED = frozenset({"NoSuchPublicAccessBlockConfiguration", "ServerSideEncryptionConfigurationNotFoundError"})
UNTOLD = frozenset({"403", "AccessDenied", "501", "NotImplemented"})
BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
SHOWN = 500
"""How many characters of a lock's note are taken over."""


class AwsTriggers:
    """The rules of one site."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 — the SDK's client
        """Ask through `client`."""
        self._client = client

    def rules(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the state of each rule; `bus/rule` names one of another bus than the default one."""
        return {name: state for name in names if (state := self._state(name))}

    def _state(self, name: str) -> str:
        bus, _, rule = name.rpartition("/")
        try:
            with translated("events:DescribeRule", name):
                answer = self._client.describe_rule(Name=rule, **({"EventBusName": bus} if bus else {}))
        except NotFoundError:
            return ""
        return str(answer["State"])


class AwsLockTables:
    """The tables of one site in which Terraform locks its state."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 — the SDK's client
        """Ask through `client`."""
        self._client = client

    def holder(self, table: str, lock_id: str) -> str:
        """Return the beginning of the note on a lock, or what else there is of it; empty when nobody holds it."""
        return self.note(table, lock_id)[:SHOWN]

    def note(self, table: str, lock_id: str) -> str:
        """Return the whole note on a lock, or what else there is of it; empty when nobody holds it."""
        with translated("dynamodb:GetItem", f"{table} {lock_id}"):
            answer = self._client.get_item(TableName=table, Key={"LockID": {"S": lock_id}}, ConsistentRead=True)
        item = answer.get("Item")
        if not item:
            return ""
        return str(item.get("Info", {}).get("S") or "held, by nobody knows whom")


class AwsBucketGuards:
    """How the buckets of one site are kept from being read."""

    def __init__(self, client: Any, *, owner: str) -> None:  # noqa: ANN401 — the SDK's client
        """Ask through `client` about buckets that belong to `owner`."""
        self._client = client
        self._owner = owner

    def look(self, bucket: str) -> Guarded:
        """Return whether what is written there is encrypted, and whether nobody can make it public."""
        asked = {"Bucket": bucket, "ExpectedBucketOwner": self._owner}
        return Guarded(encrypted=self._encrypted(bucket, asked), private=self._private(bucket, asked))

    def region(self, bucket: str, *, owner: str) -> str:
        """Return where a bucket of this owner lies."""
        return buckets.region_of(self._client, bucket, owner=owner)

    def _encrypted(self, bucket: str, asked: Mapping[str, str]) -> str:
        try:
            with translated("s3:GetBucketEncryption", f"s3://{bucket}"):
                answer = self._client.get_bucket_encryption(**asked)
        except TargetError as exc:
            return _told(exc)
        return YES if answer["ServerSideEncryptionConfiguration"].get("Rules") else NO

    def _private(self, bucket: str, asked: Mapping[str, str]) -> str:
        try:
            with translated("s3:GetPublicAccessBlock", f"s3://{bucket}"):
                answer = self._client.get_public_access_block(**asked)
        except TargetError as exc:
            return _told(exc)
        found = answer["PublicAccessBlockConfiguration"]
        return YES if all(found.get(name) is True for name in BLOCKS) else NO


class AwsTopics:
    """The topics of one site."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 — the SDK's client
        """Ask through `client`."""
        self._client = client

    def heard(self, topic: str) -> Heard:
        """Return how many subscriptions a topic has."""
        with translated("sns:GetTopicAttributes", topic):
            said = self._client.get_topic_attributes(TopicArn=topic)["Attributes"]
        return Heard(
            confirmed=int(said.get("SubscriptionsConfirmed") or 0), pending=int(said.get("SubscriptionsPending") or 0)
        )


def _told(exc: TargetError) -> str:
    """Return what a refusal says of a guard: that there is none, or that nobody may ask.

    Raises:
        TargetError: it says neither.
    """
    if exc.code in UNGUARDED:
        return NO
    if exc.code in UNTOLD:
        return exc.code
    raise exc
