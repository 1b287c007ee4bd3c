"""`python -m drproof.targets.provisioners.runner create|destroy`: what Terraform runs to make and end the machine.

The specification and the intent come in variables, so that no command line and no state holds a credential.
"""

import os
import sys
from collections.abc import Mapping

from drproof.model.errors import DrproofError, TargetError
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.aws.sessions import Session
from drproof.targets.provisioners.machines import bounds_of, end_all, intent_of, spec_of
from drproof.targets.provisioners.words import CODE, CREATED, ERROR


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Create or end the machine that the environment describes."""
    if arguments not in (["create"], ["destroy"]):
        sys.stderr.write(f"{ERROR}expected create or destroy, got {arguments}\n{CODE}Misuse\n")
        return 2
    try:
        spec, intent = spec_of(environment["DRPROOF_SPEC"]), intent_of(environment["DRPROOF_INTENT"])
        endpoint = environment.get("DRPROOF_ENDPOINT", "")
        fleet = AwsFleet(_session(environment, endpoint).client("ec2"), every=0.1 if endpoint else 2.0)
        if arguments == ["create"]:
            sys.stdout.write(f"{CREATED}{fleet.launch(intent, spec).instance_id}\n")
        else:
            end_all(
                fleet,
                intent,
                spec,
                bounds_of(environment["DRPROOF_BOUNDS"]),
                timeout_ms=int(environment["DRPROOF_ENDING_MS"]),
            )
    except (DrproofError, ValueError, KeyError) as exc:
        code = exc.code if isinstance(exc, TargetError) else type(exc).__name__
        first = str(exc).partition("\n")[0]
        sys.stderr.write(f"{ERROR}{first}\n{CODE}{code}\n")
        return 1
    return 0


def _session(environment: Mapping[str, str], endpoint: str) -> Session:
    if not endpoint:
        return Session(environment["AWS_REGION"])
    credentials = {
        "access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }
    return Session(environment["AWS_REGION"], endpoint=endpoint, credentials=credentials)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
