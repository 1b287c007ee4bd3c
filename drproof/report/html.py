"""The page that an auditor opens: one file, no script, nothing fetched, made from the bundle's bytes alone."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from drproof.catalog import ORCHESTRATOR
from drproof.evidence.bundle import Bundle, listed
from drproof.evidence.canonical import digest
from drproof.evidence.integrity import AFTER, CLOSING
from drproof.evidence.statements import COLLECTED
from drproof.formats.durations import show
from drproof.model.codec import encode
from drproof.model.receipt import Receipt
from drproof.model.verdict import Status, Verdict
from drproof.report import facts
from drproof.report.cluster import recovery_cluster
from drproof.report.gaps import gaps
from drproof.report.hand import steps
from drproof.report.redactions import redactions
from drproof.report.scores import scores
from drproof.report.timeline import SYMBOLS, timeline
from drproof.report.visible import visible

PAGE = "proof.html"

OWN_SYMBOLS = {"passed": "✓", "failed": "✗", "skipped": "–", "expected_failure": "–", "lost": "?"}  # noqa: RUF001
VERDICT_SYMBOLS = {"proven": "✓", "refuted": "✗", "unproven": "?", "incomplete": "?"}
SECTIONS = (
    ("receipts/", "Receipts"),
    ("evidence/", "Evidence that receipts refer to"),
    ("derived/", "Derived files, under the names of the reference drill"),
    ("logs/", "Logs"),
)
OF_EXECUTIONS = COLLECTED | {ORCHESTRATOR}
"""The plans that judge what others ran: executions, and failbacks."""
LONGEST = 20_000
"""Characters of a receipt's facts on the page; the whole of them is in the receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the bundle with the digest that anybody can compute."""

    path: str
    href: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of the plan; without a receipt, why there is none."""

    name: str
    receipt: Receipt[Any] | None
    file: File | None
    absence: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One contract with its verdicts, one a subject."""

    contract: str
    version: int
    claim: str
    controls_of: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def doubtful(self) -> bool:
        """Whether any of them is not proven."""
        return any(not verdict.proven for verdict in self.verdicts)


def render(bundle: Bundle, *, outcome: str) -> bytes:
    """Return the page; the same bundle gives the same bytes."""
    style = _resource("proof.css")
    held = {file.path: file for file in _files(bundle)}
    receipts = facts.by_phase(bundle)
    text = (
        _environment()
        .get_template("proof.html.j2")
        .render(
            bundle=bundle,
            plan=bundle.plan,
            outcome=outcome,
            style=Markup(style),  # noqa: S704 — a file of this package, not of a bundle
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            receipts=receipts,
            phases=_phases(bundle, held),
            groups=_groups(bundle),
            objectives=facts.objectives(bundle),
            gaps=gaps(bundle),
            counts=facts.counts(bundle.verdicts),
            scores=scores(bundle.verdicts, bundle.plan.plan) if bundle.plan.plan in COLLECTED else {},
            drawing=timeline(bundle),
            cluster=recovery_cluster(bundle),
            people=_people(bundle),
            own_tests=bundle.own_tests,
            redactions=redactions(bundle),
            decision=facts.decision(bundle),
            request=facts.observed(receipts.get("request_manual_approval")),
            teardown=facts.observed(receipts.get(facts.TEARDOWN)),
            criteria=tuple(_flat(_set(bundle))),
            sections=_sections(held),
            steps=steps(bundle),
            opening=bundle.opening_digest,
            head=facts.chain_head(bundle),
            anchors={file.digest: file.receipt for file in bundle.files},
            held=held,
            facts=facts,
        )
    )
    return text.encode("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        # Every expression passes here, so that no author of a template can forget it.
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        visible=visible,
        duration=show,
        spelt=facts.spelt,
        pretty=_pretty,
        words=lambda value: str(value).replace("_", " "),
        rows=facts.rows,
        fact=facts.text,
    )
    environment.globals.update(
        OWN_SYMBOLS=OWN_SYMBOLS,
        SYMBOLS=SYMBOLS,
        VERDICT_SYMBOLS=VERDICT_SYMBOLS,
        REHEARSAL=facts.REHEARSAL,
        NO_DECISION=facts.NO_DECISION,
    )
    return environment


def _shown(value: Any) -> Any:  # noqa: ANN401 — whatever a template prints
    if isinstance(value, Markup):
        return value
    return visible(str(value), lines=True)


def _resource(name: str) -> str:
    return files("drproof.report").joinpath("templates", name).read_text(encoding="utf-8")


def _files(bundle: Bundle) -> tuple[File, ...]:
    """Return every file that is there before the page is."""
    return tuple(
        File(path=path, href="./" + quote(path, errors="surrogateescape"), size=len(data), sha256=digest(data))
        for path, data in listed(bundle.directory).items()
        if path not in {PAGE, CLOSING} and not path.startswith(AFTER)
    )


def _sections(held: dict[str, File]) -> tuple[tuple[str, tuple[File, ...]], ...]:
    """Return the files by folder; what lies in no known folder comes first."""
    rest = tuple(file for file in held.values() if not file.path.startswith(tuple(prefix for prefix, _ in SECTIONS)))
    parts = [("Plan, opening, verdicts and journal", rest)]
    parts += [(title, tuple(f for f in held.values() if f.path.startswith(prefix))) for prefix, title in SECTIONS]
    return tuple((title, rows) for title, rows in parts if rows)


def _phases(bundle: Bundle, held: dict[str, File]) -> tuple[Phase, ...]:
    rows = [Phase(file.receipt.phase, file.receipt, held[file.path]) for file in bundle.files]
    names = {row.name for row in rows}
    absences = dict.fromkeys(bundle.plan.window.left_out, "left out of this run")
    absences |= dict.fromkeys(bundle.plan.phases, "the run ended before it")
    return (*rows, *(Phase(name, None, None, why) for name, why in absences.items() if name not in names))


def _groups(bundle: Bundle) -> tuple[Group, ...]:
    """Return the verdicts by contract, those in doubt first, else in the plan's order."""
    found: dict[str, list[Verdict]] = {}
    for verdict in bundle.verdicts:
        found.setdefault(verdict.contract, []).append(verdict)
    groups = [
        Group(name, verdicts[0].version, verdicts[0].claim, verdicts[0].controls_of, tuple(verdicts))
        for name, verdicts in found.items()
    ]

    def gravity(group: Group) -> int:
        if any(verdict.status is Status.REFUTED for verdict in group.verdicts):
            return 0
        return 1 if group.doubtful else 2

    return tuple(sorted(groups, key=gravity))


def _people(bundle: Bundle) -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """Return whom the platforms named: ARN, account, region, and the phases done in that name."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for receipt in bundle.receipts:
        if receipt.caller is not None:
            key = (receipt.caller.arn, receipt.caller.account_id, receipt.caller.region)
            found.setdefault(key, []).append(receipt.phase)
    return tuple((*key, tuple(phases)) for key, phases in found.items())


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:  # noqa: ANN401 — plain JSON
    """Return nested criteria as dotted names; times keep the unit in their name and are shown for people too."""
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in _flat(item, f"{name}.{key}" if name else key)]
    if isinstance(value, list):
        return [(name, ", ".join(facts.spelt(item) for item in value) or "none")]
    told = facts.spelt(value)
    if name.endswith("_ms") and isinstance(value, int):
        told = f"{show(value)} ({value} ms)"
    return [(name, told)]


def _set(bundle: Bundle) -> dict[str, Any]:
    """Return the criteria that there are: what nobody asked for is none, and a drill is no handed execution."""
    criteria: dict[str, Any] = encode(bundle.plan.criteria)
    foreign = set() if bundle.plan.plan in OF_EXECUTIONS else {"execution"}
    return {name: value for name, value in criteria.items() if value is not None and name not in foreign}


def _pretty(value: object) -> str:
    """Return plain JSON indented, its end cut off when it is very long."""
    text = facts.indented(encode(value))
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… {len(text) - LONGEST} characters more in the receipt"
