"""What can be said of a folder, or of the installed plans, without a target."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.evidence.bundle import Bundle
from drproof.model.errors import EvidenceError
from drproof.report import facts, html


def opened(directory: Path) -> Bundle:
    """Return the bundle in a folder.

    Raises:
        EvidenceError: there is none that can be read.
    """
    try:
        return Bundle.open(directory, {phase.name: phase.observes for phase in catalog.phases()})
    except EvidenceError as exc:
        message = f"{directory} is no readable bundle: {exc}\n  next: name the folder of a drill, reports/<drill-id>"
        raise EvidenceError(exc.code, message) from exc


def status_lines(directory: Path) -> tuple[list[str], bool]:
    """Return what is known of a drill, and whether it is closed and as it was sealed."""
    bundle = opened(directory)
    plan = bundle.plan
    receipts = {receipt.phase: receipt for receipt in bundle.receipts}
    window = "full" if plan.window.full else "partial"
    lines = [f"{plan.drill_id}: plan {plan.plan} ({window}), mode {plan.mode}"]
    for name in plan.phases:
        receipt = receipts.get(name)
        said = (
            "no receipt" if receipt is None else f"{receipt.outcome}{f': {receipt.reason}' if receipt.reason else ''}"
        )
        lines.append(f"  {name:26} {said}")
        if receipt is not None and receipt.manual is not None:
            lines.append(f"  {'':26} done by hand {facts.act(receipt)}")
    if not bundle.is_closed:
        lines.append(f"not closed; next: drproof resume {directory}")
        return _each_one_fact(lines), False
    problems = bundle.problems()
    lines.append(f"closed: {bundle.closing.outcome}")
    for receipt in facts.by_hand(bundle):
        resting = [verdict.name for verdict in bundle.verdicts if receipt.phase in verdict.by_hand]
        lines.append(f"resting on {receipt.phase} by hand: {', '.join(resting) or 'no verdict'}")
    lines += [f"  {problem.code}: {problem.message}" for problem in problems]
    return _each_one_fact(lines), not problems


def _each_one_fact(lines: list[str]) -> list[str]:
    """Indent what follows a line feed within a fact, so that it cannot be taken for a line of ours."""
    return [line.replace("\n", "\n        ") for line in lines]


def compare_page(directory: Path) -> str:
    """Return how the sealed page differs from what its evidence renders to, or ""."""
    rendered = _rendered(directory)
    sealed = (directory / "proof.html").read_bytes()
    if rendered == sealed:
        return ""
    at = next(
        (n for n, (a, b) in enumerate(zip(rendered, sealed, strict=False)) if a != b), min(len(rendered), len(sealed))
    )
    return f"{directory / 'proof.html'} is not what its evidence renders to: it differs from byte {at}"


def write_page(directory: Path) -> Path:
    """Render the page again beside the bundle, which stays as it was sealed."""
    page = directory.with_name(f"{directory.name}.html")
    page.write_bytes(_rendered(directory))
    return page


def _rendered(directory: Path) -> bytes:
    bundle = opened(directory)
    if not bundle.is_closed:
        message = f"{directory.name} is not closed\n  next: drproof resume {directory}"
        raise EvidenceError("open", message)
    return html.render(bundle, outcome=bundle.closing.outcome)


def plan_lines(name: str) -> list[str]:
    """Return the plans, or one of them, as text."""
    lines: list[str] = []
    for plan in [catalog.plan(one) for one in ([name] if name else catalog.plans())]:
        lines += [f"plan {plan.name}", f"  windows: {', '.join(plan.windows) or 'none'}"]
        for phase in plan.phases:
            marks = [word for word, on in (("changes the world", phase.mutates), ("always runs", phase.always)) if on]
            suffix = f" [{', '.join(marks)}]" if marks else ""
            lines.append(f"  phase {phase.name}{suffix}: {phase.end_state}")
            lines += [f"    requires {required}" for required in phase.requires]
        for contract in plan.contracts:
            lines.append(f"  contract {contract.name} ({len(contract.sabotages)} sabotages): {contract.claim}")
    return lines


SCENARIO_PAGE = """# Scenarios

Each injects one failure into the embedded world: `pytest -m drill --target embedded --scenario NAME`. The table is
made from `drproof/embedded/scenarios.toml` by `drproof scenarios --markdown`; a test holds the two together, and
another runs every row.

| scenario | what is wrong | how a drill ends |
|---|---|---|
"""


def scenario_page() -> str:
    """Return the table of scenarios as the documentation prints it."""
    table = tomllib.loads((files("drproof") / "embedded" / "scenarios.toml").read_text(encoding="utf-8"))
    return SCENARIO_PAGE + "".join(f"| `{name}` | {row['says']} | {_ending(row)} |\n" for name, row in table.items())


def _ending(row: Mapping[str, Any]) -> str:
    mark = f"`-m {row['mark']}`: " if "mark" in row else ""
    parts = [f"{mark}exit {row['exit']}, {row['outcome']}"]
    for outcome in ("failed", "blocked"):
        phases = [phase for phase, ended in row["phases"].items() if ended == outcome]
        if phases:
            parts.append(f"{', '.join(phases)} {outcome}")
    if row["refuted"]:
        parts.append("refuted: " + ", ".join(f"`{name}`" for name in row["refuted"]))
    if "stored" in row:
        parts.append(f"receipts {'stored' if row['stored'] else 'not stored, and kept locally'}")
    if row.get("health_refuted"):
        parts.append("`-m health-check` refutes " + ", ".join(f"`{name}`" for name in row["health_refuted"]))
    return "; ".join(parts)
