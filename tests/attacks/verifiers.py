"""Both verifiers, called in this process, with the answer in one form."""

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.evidence import expectations
from drproof.evidence import trust as trusting
from drproof.evidence.verification import verify
from drproof.model.errors import EvidenceError

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "tools" / "verify_bundle.py"


@dataclass(frozen=True)
class Answer:
    """What a verifier says."""

    exit: int
    level: str
    findings: tuple[tuple[str, str], ...]

    @property
    def codes(self) -> set[str]:
        """The codes, without their paths."""
        return {code for code, _ in self.findings}


def _loaded() -> Any:
    spec = importlib.util.spec_from_file_location("verify_bundle", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SECOND: Any = _loaded()
"""The second verifier, as a module."""
PAGE = (ROOT / "docs" / "bundle-format.md").read_text()
CLASSES = {
    int(row[2]): set(re.findall("`([a-z][a-z-]*)`", row)) for row in PAGE.splitlines() if re.match(r"\| [1-5] \|", row)
}
"""The codes of the page by their exit status."""
CODES = frozenset().union(*CLASSES.values())


def second(bundle: Path, trust: Path, now: str, options: Sequence[str] = ()) -> Answer:
    """Return what the second verifier says."""
    said = SECOND.verify([str(bundle), "--trust", str(trust), "--now", now, *options])
    return Answer(said["exit"], said["level"], tuple((one["code"], one["path"]) for one in said["findings"]))


def first(bundle: Path, trust: Path, now: str, options: Sequence[str] = ()) -> Answer:
    """Return what drproof says; its options are those of the second verifier."""
    asked = vars(SECOND.parser().parse_args([str(bundle), "--trust", str(trust), *options]))
    try:
        found = verify(
            bundle,
            catalog.types(),
            trust=trusting.read(trust.read_bytes()),
            expect=expectations.read({**asked, "max_age": _typed(options, "--max-age")}),
            now=now,
            judge=catalog.judge_again,
        )
    except OSError:
        return Answer(2, "L0", (("trust-file", str(trust)),))
    except EvidenceError as exc:
        return Answer(2, "L0", ((exc.code, str(trust)),))
    return Answer(found.status, f"L{found.level}", tuple((one.code, one.path) for one in found.problems))


def _typed(options: Sequence[str], name: str) -> str | None:
    """Return an option as it was typed."""
    return options[options.index(name) + 1] if name in options else None
