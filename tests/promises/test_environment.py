"""The environment that a drill reads is that of the runbook's table, and the whole of it."""

import re
from pathlib import Path

from drproof.engine.leaves import LEAVES

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook-recovery.md"
OF_NO_SETTING = frozenset({"ALLOW_FULL_DRILL", "DEV_MODE", "RUN_ID", "TF_BACKEND_MODE"})
"""What is read and sets nothing: a guard, an exception, a name, and a demand."""


def test_the_table_of_the_runbook_names_every_variable_and_no_other() -> None:
    table = RUNBOOK.read_text(encoding="utf-8").partition("| environment | setting |\n")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines()[1:]]

    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted({leaf.environment for leaf in LEAVES if leaf.environment} | OF_NO_SETTING)
