"""The context of one phase, made for each phase anew."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from drproof.evidence.bundle import read_evidence
from drproof.evidence.pieces import keep_by_pieces, pieces
from drproof.evidence.redaction import Redactor
from drproof.evidence.withheld import told, withheld_in
from drproof.model.capabilities import Target
from drproof.model.collection import Collection
from drproof.model.context import DRILL_TAG, EXPIRES_TAG, Answered, Clock, Doubt, Effects
from drproof.model.criteria import PlanDocument
from drproof.model.errors import PhaseError
from drproof.model.phase import Phase
from drproof.model.receipt import EvidenceRef, ManualAct, Receipt
from drproof.model.settings import Settings

T = TypeVar("T")


class PhaseContext:
    """What one phase may know and do."""

    def __init__(  # noqa: PLR0913 — a phase's whole world
        self,
        *,
        phase: Phase[Any],
        origin: str,
        plan: PlanDocument,
        settings: Settings,
        target: Target,
        effects: Effects,
        clock: Clock,
        receipts: Mapping[str, Receipt[Any]],
        directory: Path,
        expires_at: str,
        key: str,
        masker: Redactor,
        say: Callable[[str], None],
        collection: Collection | None = None,
        moved: Callable[[int, int], None] = lambda _size, _of: None,
        decision: Callable[[Doubt], Answered] = lambda _doubt: Answered(value=None),
    ) -> None:
        """Make the context of `phase`; evidence and log go below `directory`."""
        self.drill_id = plan.drill_id
        self.origin = origin
        self.plan = plan
        self.settings = settings
        self.target = target
        self.effects = effects
        self.clock = clock
        self.collection = collection or Collection()
        self.receipts = receipts
        self.tags = {DRILL_TAG: origin, EXPIRES_TAG: expires_at}
        self.kept: dict[str, EvidenceRef] = {}
        self.manual: ManualAct | None = None
        """What a person did in the stead of this phase, once it is known."""
        self._phase = phase.name
        self._keeps = phase.keeps
        self._directory = directory
        self._key = key.encode()
        self._masker = masker
        self._say = say
        self._moved = moved
        self._decision = decision

    def observed(self, phase: Phase[T]) -> T:
        """Return what an earlier phase observed."""
        receipt = self.receipts.get(phase.name)
        if receipt is None or not receipt.passed or receipt.observed is None:
            state = "has no receipt" if receipt is None else f"is {receipt.outcome}"
            msg = f"phase {self._phase} builds on {phase.name}, which {state}"
            raise PhaseError(msg)
        facts: T = receipt.observed
        return facts

    def evidence(self, name: str, content: object) -> EvidenceRef:
        """Keep plain JSON as a file of the bundle that the receipt refers to."""
        # One kind of evidence may be kept many times: its name is followed by a number then.
        kind = name.partition(".")[0]
        if kind not in self._keeps:
            msg = (
                f"phase {self._phase} keeps evidence {name!r}, which it did not declare; expected {sorted(self._keeps)}"
            )
            raise PhaseError(msg)
        path = f"evidence/{self._phase}.{name}.json"
        kept = keep_by_pieces(self._directory, path, pieces(self._keeps[kind], content), self._masker)
        ref = EvidenceRef(name=name, path=path, sha256=kept.sha256, size=kept.size)
        if kept.written:
            self.kept[name] = ref
        else:
            # The phase has acted: it goes on, and what rests on this evidence is not proven.
            self.say(f"evidence {name} is withheld: it is like a secret")
        return ref

    def read_evidence(self, phase: str, name: str) -> Any:  # noqa: ANN401 — plain JSON
        """Return the parsed evidence of an earlier phase, its digest compared."""
        receipt = self.receipts.get(phase)
        refs = [ref for ref in receipt.evidence if ref.name == name] if receipt else []
        if len(refs) != 1:
            msg = f"phase {phase} kept {len(refs)} evidence files {name!r}, expected 1{self._withheld(phase, name)}"
            raise PhaseError(msg)
        return read_evidence(self._directory, refs[0])

    def hide(self, *values: str) -> None:
        """Never print, log or keep these values from now on."""
        self._masker.learn(values)

    def tag(self, value: bytes) -> str:
        """Return a digest of a secret value under a key of this drill's private folder."""
        return f"hmac-sha256:{hmac.new(self._key, value, hashlib.sha256).hexdigest()}"

    def mask(self, text: str) -> str:
        """Return text of the operator's own without known values, and without what is like a secret."""
        return self._masker.mask(text)

    def redact(self, text: str, *, lines: int | None = None) -> str:
        """Return somebody else's words with all masked that is not proven harmless, of them the last `lines`."""
        return self._masker.redact(text, lines=lines)

    def say(self, line: str) -> None:
        """Add a line to the phase's log; what is not proven harmless is masked."""
        self._say(line)

    def moved(self, size: int, *, of: int = 0) -> None:
        """Show that `size` more bytes were moved, of so many in all where that is known; it is kept nowhere."""
        self._moved(size, of)

    def decision(self, doubt: Doubt) -> Answered:
        """Wait for what people decide; a signal ends the wait."""
        return self._decision(doubt)

    def _withheld(self, phase: str, name: str) -> str:
        path = f"evidence/{phase}.{name}.json"
        return next((f"; {told(one)}" for one in withheld_in(self._directory) if one.path == path), "")
