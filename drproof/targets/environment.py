"""What a child process is told: who we are for AWS, and nothing of the developer's own settings."""

import os
from collections.abc import Mapping
from pathlib import Path

import drproof

OWN = ("AWS_", "TF_", "DRPROOF_")
"""Variables of these families steer SDK and tools; a child gets only those that we set."""

PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def child(given: Mapping[str, str] | None = None, *, proxies: bool = False) -> dict[str, str]:
    """Return the environment of a child process that imports this very drproof."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OWN) and (proxies or name.lower() not in PROXIES)
    }
    root = str(Path(drproof.__file__).resolve().parent.parent)
    paths = [root, *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), **(given or {})}
