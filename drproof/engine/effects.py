"""Effects: the only way from a phase to a capability that changes the world leads through the journal."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from drproof.engine.clock import SystemClock
from drproof.evidence.canonical import canonical
from drproof.evidence.journal import Journal
from drproof.evidence.redaction import KNOWN_VALUE, Redactor
from drproof.evidence.tripwire import Hit
from drproof.evidence.withheld import note
from drproof.model.capabilities import Intent
from drproof.model.context import Clock, Effect, Pending
from drproof.model.errors import DrproofError, UnansweredError


class _Pending:
    """An effect under way."""

    def __init__(self, intent: Intent) -> None:
        self.intent = intent
        self.result: dict[str, Any] = {}

    def done(self, **result: Any) -> None:  # noqa: ANN401 — plain JSON
        """Add facts to the outcome."""
        self.result.update(result)


class JournalledEffects:
    """The journal as one phase sees it."""

    def __init__(  # noqa: PLR0913 — what an effect needs to be written down
        self,
        journal: Journal,
        *,
        drill_id: str,
        phase: str,
        inherited: Iterable[Effect] = (),
        allowed: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        masker: Redactor | None = None,
        announced: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        """Write for `phase`; `allowed` raises when nothing may be changed any more.

        `announced` is told each intent's record, once it is on disk and before anything is changed.
        """
        self._journal = journal
        self._drill_id = drill_id
        self._phase = phase
        self._inherited = tuple(inherited)
        self._allowed = allowed
        self._clock = clock or SystemClock()
        self._masker = masker or Redactor()
        self._announced = announced

    @contextmanager
    def intend(self, verb: str, resource: str, details: Mapping[str, Any] | None = None) -> Iterator[Pending]:
        """Write down what is about to be changed; leaving the block writes down what came of it.

        An interruption writes no outcome, nor does a call that was not answered: nobody knows whether the effect
        happened, and who goes on must look.
        """
        intent = self.announce(verb, resource, details)
        number, pending = intent.number, _Pending(intent)
        try:
            # To write it down took time, in which the lease may have been lost.
            self._allowed()
        except DrproofError as exc:
            self._end(number, "failed", {"error": self._masker.redact(f"not done: {exc}", record=False)})
            raise
        try:
            yield pending
        except UnansweredError:
            raise
        except Exception as exc:
            kind = type(exc).__name__
            error = self._masker.redact(f"{kind}: {exc}", record=False)
            self._end(number, "failed", {"error": error, "error_class": kind})
            raise
        self._end(number, "done", pending.result)

    def announce(self, verb: str, resource: str, details: Mapping[str, Any] | None = None) -> Intent:
        """Write down what will be changed; whoever asks for no more than that says elsewhere what came of it."""
        self._allowed()
        token = self.token(verb, resource)
        record = self._append(
            {"kind": "intent", "phase": self._phase, "verb": verb, "token": token},
            {"resource": resource, "details": dict(details or {})},
        )
        self._announced(record)
        number: int = record["number"]
        return Intent(number=number, verb=verb, resource=resource, token=token)

    def token(self, verb: str, resource: str) -> str:
        """Return the token that an effect of this phase has, whenever it is announced."""
        return token_of(self._drill_id, self._phase, verb, resource)

    def made(self, *verbs: str) -> tuple[Effect, ...]:
        """Return the effects of this drill and of those it inherits from, oldest first."""
        effects = (*self._inherited, *effects_of(self._journal.records()))
        return tuple(effect for effect in effects if not verbs or effect.intent.verb in verbs)

    def intents(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records of this drill's journal that announce an effect."""
        yield from (record for record in self._journal.records() if record["kind"] == "intent")

    def _end(self, number: int, outcome: str, result: Mapping[str, Any]) -> None:
        self._append({"kind": "outcome", "intent": number, "outcome": outcome}, {"result": dict(result)})

    def _append(self, record: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
        """Append a record; what is like a secret among its facts is masked, and put on the list of what is withheld."""
        hits = self._masker.scan(canonical(dict(facts)))
        kept: Any = self._masker.masked(dict(facts)) if hits else facts
        written = {"at": self._clock.now(), **record, **kept}
        number = self._journal.append(written)
        if found := [hit for hit in hits if hit.rule != KNOWN_VALUE]:
            path = self._journal.path
            note(path.parent, path.name, (Hit(where=f"record {number}{hit.where}", rule=hit.rule) for hit in found))
        return {"number": number, **written}


def token_of(drill_id: str, phase: str, verb: str, resource: str) -> str:
    """Return the idempotency token of an effect: the same for the same effect of the same drill, 32 hex digits."""
    return hashlib.sha256(f"{drill_id}\0{phase}\0{verb}\0{resource}".encode()).hexdigest()[:32]


def effects_of(records: Iterable[Mapping[str, Any]]) -> tuple[Effect, ...]:
    """Return the effects that a journal's records tell of, oldest first."""
    records = tuple(records)
    outcomes = {record["intent"]: record for record in records if record["kind"] == "outcome"}
    return tuple(
        Effect(
            intent=Intent(
                number=record["number"], verb=record["verb"], resource=record["resource"], token=record["token"]
            ),
            phase=record["phase"],
            at=record.get("at", ""),
            details=record["details"],
            outcome=outcomes.get(record["number"], {}).get("outcome", ""),
            result=outcomes.get(record["number"], {}).get("result", {}),
        )
        for record in records
        if record["kind"] == "intent"
    )
