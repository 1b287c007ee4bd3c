"""Options of the command line: short names where nobody else has them, and a `--dr-…` form always."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from drproof.engine.leaves import LEAVES

PREFIX = "drproof_"
"""What our options' destinations begin with, so that they meet nobody else's."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option that is not the name of a setting."""

    name: str
    says: str
    switch: bool = False


REPEATED = frozenset({"backup-uri", "terraform-dir", "verified-drill"})
"""The options that may be given more than once: each restore point of a fleet, each module, each drill."""

OWN = (
    Option("start_at", "Window to start in: bringup, restore, validate, promote or teardown"),
    Option("stop_after", "Window to stop after: bringup, restore, validate or promote"),
    Option("validate_only", "Run the validate window alone", switch=True),
    Option("diagnostics_only", "Bring up, look at the machine, tear down", switch=True),
    Option("teardown", "Remove what the drill created: true (default) or false"),
    Option("no_retry", "Give every phase one attempt", switch=True),
    Option("allow_full_drill", "Allow a full drill against a live target", switch=True),
    Option("allow_tag", "Allow an image that is not pinned by digest; for development", switch=True),
    Option("receipt_dir", "Folder of an earlier drill whose receipts this one builds on"),
    Option("backups_under", "Prefix whose folders are the restore points to check, s3://…"),
    Option("scenario", "Failure that the embedded world injects"),
    Option("run_id", "Name of the drill and of its folder"),
    Option("bundle_dir", "Folder of the bundle to check; without it the newest one"),
    Option("execution_arn", "Execution of a state machine to check, asked for now"),
    Option("execution_dir", "Folder of an exported execution to check; nothing is asked"),
    Option("terraform_dir", "Folder of a Terraform module whose sources are checked; nothing is planned"),
    Option("verified_drill", "Bundle of the drill that triggers may follow where they are on"),
    Option("expect_drill", "The drill that the bundle has to be of"),
    Option("expect_nonce", "The nonce that its opening has to name"),
    Option("expect_account", "The account of its recovery site"),
    Option("expect_region", "The region of its recovery site"),
    Option("prev", "The digest of the bundle before it"),
    Option("max_age", "How old the bundle may be, such as 30d"),
    Option("require_level", "The least level of assurance, L0 to L4"),
    Option("require_full", "Refuse a bundle of a part of a plan", switch=True),
    Option("require_record_manual_decision", "Demand the recorded decision of an imported execution", switch=True),
    Option("accept_rehearsal", "Take a rehearsal for one, and judge it", switch=True),
)


def add_options(parser: pytest.Parser) -> None:
    """Add our options to a parser that already has everybody else's."""
    group = parser.getgroup("drproof", "drproof: disaster-recovery drills")
    taken = _taken(parser)
    for name, says, switch in _all():
        words = [word for word in (f"--{name}", f"--dr-{name}") if word not in taken]
        settings: dict[str, Any] = {"action": "store_true", "default": None} if switch else {"metavar": "VALUE"}
        if name in REPEATED:
            settings["action"] = "append"
        group.addoption(*words, dest=PREFIX + name.replace("-", "_"), help=says, **settings)


def words_with_values(parser: pytest.Parser) -> frozenset[str]:
    """Return our options that take a value, in every spelling that nobody else has taken."""
    words = {word for name, _, switch in _all() if not switch for word in (f"--{name}", f"--dr-{name}")}
    return frozenset(words - _taken(parser))


def given(config: pytest.Config) -> Mapping[str, Any]:
    """Return what the command line says, by name; None where it says nothing, a tuple where it repeats."""
    said = {
        name.replace("-", "_"): getattr(config.option, PREFIX + name.replace("-", "_"), None) for name, _, _ in _all()
    }
    return {name: _one_or_all(value) if isinstance(value, list) else value for name, value in said.items()}


def _one_or_all(values: list[str]) -> str | tuple[str, ...]:
    return values[0] if len(values) == 1 else tuple(values)


def _all() -> list[tuple[str, str, bool]]:
    settings = [
        (leaf.option.replace("_", "-"), leaf.says[0].upper() + leaf.says[1:], leaf.switch)
        for leaf in LEAVES
        if leaf.option
    ]
    return [*settings, *((option.name.replace("_", "-"), option.says, option.switch) for option in OWN)]


def _taken(parser: pytest.Parser) -> frozenset[str]:
    """Return the option names that other plugins have registered."""
    groups = [*parser._groups, parser._anonymous]
    return frozenset(name for group in groups for option in group.options for name in option.names())
