"""What a role is granted and no log shows, each with the reason why it has to stay."""

from collections.abc import Mapping

LOGGED = "Lambda and CodeBuild write their logs as the role; the embedded world writes them itself"
DELIVERED = "Step Functions sets up the delivery of its log as the role when the machine is made, and nobody calls it"
UNSEEN: Mapping[str, Mapping[str, str]] = {
    "builds": {},
    "function": {},
    "machine": {},
    "reaper": {},
    "schedule": {
        "states:StartExecution": "the rules of the embedded world call nobody; EventBridge starts the machine"
    },
    "watcher": {},
}
