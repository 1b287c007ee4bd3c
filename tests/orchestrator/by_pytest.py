"""The drill by pytest of an end: the same settings, the same failure, and people who do the same."""

import os
from typing import Any

from drproof.targets import embedded
from tests.drill.conftest import SECONDS, Drill, Operator
from tests.drill.shared import Shelf
from tests.orchestrator import playing
from tests.patience import until

RUN_ID = playing.NAME


def drilled(shelf: Shelf, name: str) -> Drill:
    """Return the drill of an end, run where nobody has yet."""
    return shelf.drill(f"pytest-{name}", lambda folder: _drill(playing.rows()[name], Operator(folder)))


def _drill(row: playing.Row, operator: Operator) -> Drill:
    (operator.folder / "drproof.toml").write_text(playing.settings_of(row))
    assert operator.cli("keys", "init", ".drproof").returncode == 0
    assert operator.cli("keys", "init", ".drproof", "--role", "approver").returncode == 0
    decides = playing.COMMANDS.get(row.get("person", ""))
    words = ["-m", "drill", "--target", "embedded", "--run-id", RUN_ID, "--allow-full-drill"]
    words += ["--await-approval", "20m" if decides else "1s"]
    words += ["--scenario", row["scenario"]] if "scenario" in row else []
    environment = {"EMBEDDED_WORLD_MEMBERS": "20"}
    living = _world(operator, row, environment)
    try:
        run = operator.start(*words, **environment)
        if decides:
            folder = operator.folder / "reports" / RUN_ID
            waiting = folder.with_name(f"{RUN_ID}.waiting.json")
            until(lambda: waiting.exists() or run.poll() is not None, SECONDS)
            if waiting.exists():
                key = ("--signer", "file2:.drproof/approver.key", "--ticket", "OPS-7", "--reason", "it was looked at")
                said = operator.cli(decides, "--drill", str(folder), *key, "--yes")
                assert said.returncode == 0, said.stdout + said.stderr
        output, _ = run.communicate(timeout=SECONDS)
    finally:
        if living is not None:
            living.stop()
    return Drill(run.wait(), output, operator.folder / "reports" / RUN_ID)


def _world(operator: Operator, row: playing.Row, environment: dict[str, str]) -> embedded.World | None:
    """Start a world in which calls fail as the row says, for the drill to take over; none where none has to."""
    rules: list[dict[str, Any]] = [rule for rule in row.get("faults", ()) if rule["service"] != "lambda"]
    if not rules:
        return None
    place = operator.folder / "world"
    place.mkdir()
    before = os.environ.get("EMBEDDED_WORLD_MEMBERS")
    os.environ |= environment
    try:
        living = embedded.start(place, scenario="none", linger=600)
    finally:
        os.environ.pop("EMBEDDED_WORLD_MEMBERS")
        if before is not None:
            os.environ["EMBEDDED_WORLD_MEMBERS"] = before
    for rule in rules:
        embedded.ask(living.endpoint, "POST", "faults", rule)
    environment["DRPROOF_WORLD"] = str(place)
    return living
