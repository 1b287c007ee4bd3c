"""What of Terraform's diagnostics the platform said: programs that a module runs print what they like in them.

deploy/codebuild/buildspec.yml reads plain text by the same rules; tests hold both to one table.
"""

import re

ANSWERED = re.compile(
    r"\boperation error [A-Za-z0-9][\w -]*: \w+, (?:exceeded maximum number of attempts, \d+, )?"
    r"https response error StatusCode: \d+, RequestID: [^ ,]*, (?:HostID: [^ ,]*, )?"
    r"api error (?P<code>[A-Za-z][A-Za-z0-9.]*):"
)
"""The whole words of the SDK that Terraform and its plugin are built with: its last two alone stand in many a text."""
OF_USERS = re.compile(
    r"[\w-]+ provisioner error\b|(?:Unexpected )?External Program |[\w ]*\b(?:pre|post)condition failed\b"
    r"|Check block assertion failed\b|Invalid value for (?:input )?variable\b"
)
"""How a diagnostic begins that holds what somebody's program printed, or what a module's author wrote."""
OF_THE_PLATFORM = re.compile(r"(?:^|\.)(?:aws(?:cc)?_\w+|terraform_remote_state)\.|/aws(?:cc)?\"\]$")
"""The addresses of what speaks with the platform; a diagnostic of the backend has none."""


def answer_in(summary: str, detail: str, address: str) -> str:
    """Return the platform's own code; empty where a diagnostic tells of no answer of its."""
    if OF_USERS.match(summary) or (address and not OF_THE_PLATFORM.search(address)):
        return ""
    found = ANSWERED.search(" ".join(f"{summary}\n{detail}".split()))
    return found["code"] if found is not None else ""
