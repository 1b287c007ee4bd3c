"""Messages to people."""

import re
from typing import TYPE_CHECKING

from drproof.model.capabilities import Intent
from drproof.targets.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

SUBJECT = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,99}")


class AwsMessenger:
    """The topics of one site."""

    def __init__(self, client: "SNSClient") -> None:
        """Publish through `client`."""
        self._client = client

    def publish(self, intent: Intent, topic: str, subject: str, message: str) -> str:
        """Send a message and return its id; the effect's token goes with it, since a topic knows no idempotency.

        Raises:
            ValueError: the subject is not 1 to 100 printable ASCII characters, which is all that a topic takes.
        """
        if not SUBJECT.fullmatch(subject):
            msg = f"the subject of a message: expected 1 to 100 printable ASCII characters, got {subject!r}"
            raise ValueError(msg)
        effect = {"drproof-effect": {"DataType": "String", "StringValue": intent.token}}
        with translated("sns:Publish", topic):
            answer = self._client.publish(
                TopicArn=topic,
                Subject=subject,
                Message=message,
                MessageAttributes=effect,  # type: ignore[arg-type] # the stub wants its own dictionary type
            )
        return answer["MessageId"]
