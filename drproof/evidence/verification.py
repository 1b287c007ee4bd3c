"""Whether a bundle can be relied on: its integrity, whose signatures it carries, and what the reader expects of it.

Nothing outside the folder and the reader's own trust file is asked. Source: `docs/bundle-format.md`, sections 5 to 7.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from drproof.evidence import trust as trusting
from drproof.evidence import trusted_time
from drproof.evidence.approvals import Answer
from drproof.evidence.envelope import Envelope
from drproof.evidence.exact import exactly, parsed
from drproof.evidence.expectations import Expectations
from drproof.evidence.files import Problem
from drproof.evidence.integrity import (
    AFTER,
    CLOSING,
    OPENING,
    PLAN,
    TRUSTED_TIME,
    VERDICTS,
    Inspection,
    SignedAs,
    inspect,
)
from drproof.evidence.trust import Trust, TrustedKey
from drproof.evidence.trusted_time import Dating, TrustedTime
from drproof.formats import timestamps
from drproof.model.errors import EvidenceError
from drproof.model.signing import Role
from drproof.model.verdict import Verdict

UNREADABLE, INVALID, INCOMPLETE, REFUTED, NOT_MET = 2, 1, 4, 3, 5
ORDER = (UNREADABLE, INVALID, INCOMPLETE, REFUTED, NOT_MET)
"""Of several classes the first of these is the exit status."""

CLASSES: Mapping[int, frozenset[str]] = {
    UNREADABLE: frozenset({"unreadable", "too-large", "trust-file", "usage"}),
    INCOMPLETE: frozenset({"not-closed", "incomplete", "partial"}),
    REFUTED: frozenset({"refuted"}),
    NOT_MET: frozenset(
        {
            "unsigned", "key-unknown", "key-role", "key-expired", "key-not-yet", "key-revoked", "same-key",
            "drill", "nonce", "account", "region", "previous", "too-old", "in-the-future", "level", "rehearsal",
        }
    ),
}  # fmt: skip
SIGNATURES = frozenset(
    {"unsigned", "key-unknown", "key-role", "key-expired", "key-not-yet", "key-revoked", "same-key", "signature"}
)
"""Findings about who signed."""

ROLES: Mapping[SignedAs, Role] = {"drill": Role.RUNNER, "collection": Role.COLLECTOR, "sign-off": Role.APPROVER}
DECISION = "evidence/promote.decision.json"
SKEW_MS = 60_000
"""How far two honest clocks may differ."""

Judge: TypeAlias = Callable[[Inspection], Mapping[tuple[str, str], Verdict]]
"""Judges the receipts of a bundle again by the installed contracts: each verdict by contract and subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found about a bundle."""

    status: int
    level: int
    problems: tuple[Problem, ...]
    not_shown: tuple[str, ...]
    inspection: Inspection | None = None
    signers: tuple[TrustedKey, ...] = ()
    trusted_time: TrustedTime | None = None
    """What the token beside the closing shows; None when there is none."""


@dataclass(slots=True)
class _Signatures:
    """Decides about each envelope, and remembers who signed."""

    trust: Trust
    counted: dict[str, list[TrustedKey]] = field(default_factory=dict)
    """The keys whose signatures count, by the path of what they signed."""
    drill: set[str] = field(default_factory=set)
    """Every trusted key that signed anything but a sign-off, in whatever role."""

    def witness(self, path: str, signed: Envelope, instant: str, kind: SignedAs) -> Iterator[Problem]:
        """Yield why a signature does not count; each has to."""
        if not signed.signatures:
            yield Problem("unsigned", path, f"{path} is not signed: nothing shows who made it")
        counted = self.counted.setdefault(path, [])
        for signature in signed.signatures:
            keys = self.trust.named(signature.keyid)
            key = keys.get(ROLES[kind])
            if keys and not _genuine(next(iter(keys.values())), signature.sig, signed.message):
                yield Problem("signature", path, f"the signature of {path} is not one of {signature.keyid}")
                continue
            if keys and kind != "sign-off":
                self.drill.add(signature.keyid)
            if not keys:
                said = f"{path} is signed by {signature.keyid}, which is not in the trust file"
                yield Problem("key-unknown", path, said)
            elif key is None:
                said = f"{path} is signed by a key that is trusted as {', '.join(sorted(keys))}, not as {ROLES[kind]}"
                yield Problem("key-role", path, said)
            elif code := key.counts_at(instant):
                said = f"{path} is signed by {key.keyid} at {instant}, when that key did not count"
                yield Problem(code, path, said)
            else:
                counted.append(key)

    @property
    def runners(self) -> dict[str, TrustedKey]:
        """The keys that count for opening, checkpoints and closing."""
        signed = (keys for path, keys in self.counted.items() if not path.startswith(AFTER))
        return {key.keyid: key for keys in signed for key in keys}

    @property
    def approvers(self) -> dict[str, list[TrustedKey]]:
        """The keys that count for sign-offs and had no part in the drill, by the paths of the sign-offs."""
        return {
            path: [key for key in keys if key.keyid not in self.drill]
            for path, keys in self.counted.items()
            if path.startswith(AFTER)
        }


def _genuine(key: TrustedKey, signature: bytes, message: bytes) -> bool:
    return trusting.verifies(trusting.public_key(key.public_key), signature, message)


def verify(  # noqa: PLR0913 — what a reader knows and demands
    directory: Path,
    types: Mapping[str, Any],
    *,
    trust: Trust,
    expect: Expectations | None = None,
    now: str,
    judge: Judge | None = None,
) -> Verification:
    """Return what can be said of the bundle in a folder at the instant `now`.

    `types` maps each phase to the type it observes; without `judge` the sealed verdicts are taken as they are.
    """
    expect = expect or Expectations()
    signatures = _Signatures(trust)
    try:
        found = inspect(directory, types, signatures.witness)
        dated = _dated(found, trust)
    except EvidenceError as exc:
        return Verification(status=UNREADABLE, level=0, problems=(Problem(exc.code, "", str(exc)),), not_shown=())
    problems = list(found.problems)
    problems += _dated_wrongly(found, dated)
    problems += _revoked(signatures, dated)
    problems += _same_key(signatures)
    problems += _outcome(found, expect)
    judged: frozenset[str] = frozenset()
    if judge is not None and found.plan is not None and not _invalid(problems):
        again = judge(found)
        judged = frozenset(contract for contract, _ in again)
        problems += _judged_otherwise(found, again)
    level = _level(found, signatures, problems, dated)
    doubt = _doubt(level, problems)
    problems += _expectations(found, expect, timestamps.milliseconds(now), level)
    return Verification(
        status=status_of(problems),
        level=level,
        problems=tuple(problems),
        not_shown=(
            *_undated(dated),
            *_undecided(found, trust),
            *_not_shown(found, expect, doubt, judged),
        ),
        trusted_time=dated,
        inspection=found,
        signers=tuple({key.keyid: key for keys in signatures.counted.values() for key in keys}.values()),
    )


def class_of(code: str) -> int:
    """Return the exit status that a finding alone leads to."""
    return next((number for number, codes in CLASSES.items() if code in codes), INVALID)


def status_of(problems: Iterable[Problem]) -> int:
    """Return the exit status that several findings lead to."""
    found = {class_of(problem.code) for problem in problems}
    return next((number for number in ORDER if number in found), 0)


def _invalid(problems: Iterable[Problem]) -> bool:
    return any(class_of(problem.code) in {UNREADABLE, INVALID} for problem in problems)


def _dated(found: Inspection, trust: Trust) -> TrustedTime | None:
    """Return what the token beside a closing shows; None when there is none."""
    if TRUSTED_TIME not in found.folder.paths or not found.is_closed:
        return None
    imprint = bytes.fromhex(found.digest(CLOSING))
    return trusted_time.check(found.folder.read(TRUSTED_TIME), imprint, trust.authorities)


def _dated_wrongly(found: Inspection, dated: TrustedTime | None) -> Iterator[Problem]:
    if dated is None:
        return
    if dated.dating is Dating.INVALID:
        yield Problem("trusted-time", TRUSTED_TIME, f"{TRUSTED_TIME} does not date the closing: {dated.reason}")
    if dated.at_latest and found.closing is not None:
        closed_at, at_latest = found.closing.closed_at, dated.at_latest
        if timestamps.milliseconds(closed_at) > timestamps.milliseconds(at_latest) + SKEW_MS:
            said = f"the closing says {closed_at}, and existed at {at_latest} already"
            yield Problem("trusted-time", TRUSTED_TIME, said)


def _undated(dated: TrustedTime | None) -> Iterator[str]:
    if dated is not None and dated.dating is Dating.UNCHECKED:
        yield f"what {TRUSTED_TIME} says: {dated.reason}"


def _undecided(found: Inspection, trust: Trust) -> Iterator[str]:
    """Say so when the plan of a drill let somebody decide whom the reader does not believe as an approver."""
    if DECISION not in found.folder.paths:
        return
    try:
        signed = exactly(Answer, parsed(found.folder.read(DECISION))).signed
    except EvidenceError:
        # What it is worth, the contract about it says.
        return
    for signature in signed.dsse.signatures if signed is not None else ():
        if Role.APPROVER not in trust.named(signature.keyid):
            yield f"whether who decided may decide: {signature.keyid} is no approver's key in the trust file"


def _revoked(signatures: _Signatures, dated: TrustedTime | None) -> Iterator[Problem]:
    """Yield the keys that count for nothing; a token shows that a closing is older, and nothing of a sign-off."""
    for path, keys in signatures.counted.items():
        for key in keys:
            saved = not path.startswith(AFTER) and key.revoked_at is not None and _existed_before(key.revoked_at, dated)
            if key.revoked_at is not None and not saved:
                # What it signed before cannot be told from what was dated back.
                yield Problem("key-revoked", path, f"{key.keyid} was revoked at {key.revoked_at}: {key.reason}")


def _existed_before(instant: str, dated: TrustedTime | None) -> bool:
    if dated is None or not dated.at_latest:
        return False
    return timestamps.milliseconds(dated.at_latest) < timestamps.milliseconds(instant)


def _same_key(signatures: _Signatures) -> Iterator[Problem]:
    for path in signatures.approvers:
        if any(key.keyid in signatures.drill for key in signatures.counted[path]):
            yield Problem("same-key", path, f"{path} is signed by a key that signed the drill as well")


def _outcome(found: Inspection, expect: Expectations) -> Iterator[Problem]:
    closing = found.closing
    if closing is not None and closing.outcome != "proven":
        said = "not all that was planned was shown" if closing.outcome == "incomplete" else "a claim or a phase failed"
        yield Problem(closing.outcome, CLOSING, f"the drill is {closing.outcome}: {said}")
    if expect.full and found.plan is not None and not found.plan.window.full:
        left_out = ", ".join(found.plan.window.left_out) or "nothing"
        yield Problem("partial", PLAN, f"the drill was a part of its plan; left out: {left_out}")


def _judged_otherwise(found: Inspection, again: Mapping[tuple[str, str], Verdict]) -> Iterator[Problem]:
    judged = {contract for contract, _ in again}
    sealed = {(verdict.contract, verdict.subject) for verdict in found.verdicts}
    for contract, subject in sorted(again.keys() ^ {pair for pair in sealed if pair[0] in judged}):
        if found.is_closed:
            said = f"{contract}[{subject}] is judged " + (
                "and was not sealed" if (contract, subject) in again else "no more"
            )
            yield Problem("judged-otherwise", VERDICTS, f"{said}: the plan and its criteria name other subjects")
    for verdict in found.verdicts:
        now = again.get((verdict.contract, verdict.subject))
        if now is not None and now.version == verdict.version and now.status is not verdict.status:
            said = f"{verdict.name} was sealed as {verdict.status}, and is {now.status} when it is judged again"
            yield Problem("judged-otherwise", VERDICTS, f"{said}: {now.reason}" if now.reason else said)


def _level(found: Inspection, signatures: _Signatures, problems: Iterable[Problem], dated: TrustedTime | None) -> int:
    """Return the level of assurance; one bad signature of the drill leaves none, one rejection no more than L1."""
    problems = list(problems)
    doubted = any(one.code in CLASSES[NOT_MET] and not one.path.startswith(AFTER) for one in problems)
    if _invalid(problems) or doubted or found.opening is None or not signatures.runners:
        return 0
    decisions = {
        found.sign_offs[path].decision
        for path, keys in signatures.approvers.items()
        if any(key.revoked_at is None for key in keys)
    }
    held = all(key.custody == "non_exportable" for key in signatures.runners.values())
    if not (held and decisions == {"approved"}):
        return 1
    return 3 if dated is not None and dated.at_latest else 2


def _expectations(found: Inspection, expect: Expectations, now: int, level: int) -> Iterator[Problem]:
    opening = found.opening
    if opening is not None:
        site = opening.sites.recovery
        for code, wanted, said in (
            ("drill", expect.drill, opening.drill_id),
            ("nonce", expect.nonce, opening.nonce),
            ("account", expect.account, site.account_id),
            ("region", expect.region, site.region),
            ("previous", expect.previous, opening.previous_bundle or "none"),
        ):
            if wanted and wanted != said:
                yield Problem(code, OPENING, f"the bundle's {code} is {said}, expected {wanted}")
        if opening.mode == "rehearsal" and not expect.accept_rehearsal:
            yield Problem("rehearsal", OPENING, "it is a rehearsal: it proves drproof, never anyone's recovery")
        made = found.closing.closed_at if found.closing is not None else opening.opened_at
        at = timestamps.milliseconds(made)
        if at > now + SKEW_MS:
            yield Problem("in-the-future", CLOSING, f"the bundle says that it was made at {made}, which is to come")
        if expect.max_age_ms is not None and now - at > expect.max_age_ms:
            yield Problem("too-old", CLOSING, f"the bundle was made at {made}, too long ago")
    if level < expect.level:
        yield Problem("level", "", f"the level of assurance is L{level}, expected L{expect.level} at least")


def _doubt(level: int, problems: Iterable[Problem]) -> str:
    """Return what a level leaves open; what is not as it was sealed may bear good signatures all the same."""
    if level == 0 and _invalid(problems):
        return "who made it (L0): it is not what was sealed, whoever signed that"
    return LEVELS[level]


def _not_shown(found: Inspection, expect: Expectations, doubt: str, judged: frozenset[str]) -> Iterator[str]:
    """Say what this verification does not show, so that nobody takes it for more than it is."""
    unasked = [
        name
        for name, asked in (
            ("drill", expect.drill), ("nonce", expect.nonce), ("account", expect.account), ("region", expect.region),
            ("previous bundle", expect.previous), ("age", expect.max_age_ms is not None),
        )
        if not asked
    ]  # fmt: skip
    if unasked:
        yield f"whether it is the bundle you wait for: nothing was expected of its {', '.join(unasked)}"
    yield doubt
    sealed = {verdict.contract for verdict in found.verdicts}
    if sealed and not judged:
        yield "whether the sealed verdicts follow from the receipts: they were not judged again"
    elif foreign := sorted(sealed - judged):
        yield f"whether the verdicts of {', '.join(foreign)} follow from the receipts: that contract is not installed"
    for file in found.receipts:
        if file.receipt.manual is not None:
            yield f"that {file.receipt.phase} works without a person: it was done by hand"
    if found.plan is not None and found.plan.mode == "rehearsal":
        yield "anyone's recovery: this was a rehearsal"


LEVELS = (
    "who made it (L0): it is not signed by keys of the trust file",
    "whether the runner told the truth (L1): it holds the key that signed",
    "when it was made (L2): the time in it is the runner's own",
    "what the platform itself would say (L3): it was not asked again",
)
