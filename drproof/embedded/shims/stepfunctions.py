"""Step Functions: definitions are executed, and what their tasks call is called as the site that takes over.

Left as the emulator has it: a ResultWriter writes a manifest that lists no result, and an ItemReader reads one page of
a listing. Errors, ends and builds are put right beside this file.
"""

from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.utils import boto_client

from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.core.config:default_user_config",
    "moto.stepfunctions.parser.asl.utils.boto_client:boto_client_for",
    "moto.stepfunctions.parser.asl.utils.boto_client:boto3.client",
)
APPLICATION = "states"
"""What the call log says that calls of state machines were made for."""


def install(world: World) -> None:
    """Have definitions executed; the emulator's own keys are nobody's in this world."""
    # Without it an execution runs for ever, and its history is a canned success.
    default_user_config["stepfunctions"] = {"execute_state_machine": True}

    def client(**asked: Any) -> Any:  # noqa: ANN401 — botocore's clients have no type here
        site = world.recovery
        known = {"aws_access_key_id": site.access_key_id, "aws_secret_access_key": site.secret_access_key}
        config = Config(user_agent_extra=f"app/{APPLICATION}")
        config = asked["config"].merge(config) if asked.get("config") else config
        return boto3.client(**{**asked, **known, "endpoint_url": world.endpoint, "config": config})

    seams.put(boto_client, "boto3", SimpleNamespace(client=client))
