"""Bundles whose plan asks for a receipt store, and what they say of it; and those of an earlier version."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rfc8785 import dumps

from tests.attacks.bundles import CLOSING, OPENING, PLAN, Drill, Files, build, digest
from tests.attacks.case import Case, having, saying
from tests.contracts.evidence import PASSING
from tests.contracts.observed import CRITERIA, DRILL

ASKING = Drill(evidence=PASSING, edits={CLOSING: saying(outcome="proven")})
STORE, UNTIL = "receipts-store.json", "2026-03-02T12:00:01.000Z"
LAST_MOMENT_MISSED = "2026-03-02T12:00:00.000Z"


def _stored(*, of: Mapping[str, Any] | None = None, leave_out: str = "", **changes: Any) -> Files:
    """Return a sealed bundle that says that everything is stored; `of` changes what it says of each file."""
    assert CRITERIA.storing
    place = f"{CRITERIA.storing.uri}/{DRILL}"
    told = [
        {
            "path": path,
            "sha256": digest(data),
            "uri": f"{place}/bundle/{path}",
            "version": "1",
            "etag": "e",
            "was_there": False,
            "retention_mode": "GOVERNANCE",
            "retained_until": UNTIL,
            "problem": "",
            **(of or {}),
        }
        for path, data in build(ASKING).items()
        if (path in {PLAN, OPENING} or path.startswith("receipts/")) and path != leave_out
    ]
    said = {
        "schema_version": 1,
        "place": place,
        "owner": CRITERIA.storing.owner,
        "object_lock": True,
        "retain_until": UNTIL,
        "files": told,
        "intents": 0,
        "intents_missing": [],
        **changes,
    }
    return build(replace(ASKING, more={STORE: dumps(said)}))


def honest() -> Mapping[str, Case]:
    """Return each honest case by its name."""
    old = replace(Drill(), edits={PLAN: _older, "receipts/01-check_health.json": _without("inherited_from")})
    return {
        "stored": Case(files=_stored(), exit=0, level="L1"),
        "stored_longer_and_stricter": Case(
            files=_stored(of={"retention_mode": "COMPLIANCE", "retained_until": "2036-01-01T00:00:00.000Z"}),
            exit=0,
            level="L1",
        ),
        "stored_without_object_lock": Case(
            files=_stored(object_lock=False, retain_until=None, of={"retention_mode": None, "retained_until": None}),
            exit=0,
            level="L1",
        ),
        "written_by_an_earlier_version": Case(files=build(old), exit=0, level="L1"),
    }


def cases() -> Mapping[str, Case]:
    """Return each attack by its name."""

    def proven(files: Files) -> Case:
        return Case(files=files, codes=["outcome"])

    return {
        "store_never_spoken_of": proven(build(ASKING)),
        "store_elsewhere": proven(_stored(place="s3://other/receipts/drill-1")),
        "store_of_another_owner": proven(_stored(owner="999999999999")),
        "store_of_an_unknown_lock": proven(_stored(object_lock=None)),
        "store_without_an_intent": proven(_stored(intents_missing=[3])),
        "store_without_the_opening": proven(_stored(leave_out=OPENING)),
        "store_without_a_receipt": proven(_stored(leave_out="receipts/01-check_health.json")),
        "store_of_other_bytes": proven(_stored(of={"sha256": "0" * 64})),
        "store_with_a_problem": proven(_stored(of={"problem": "access denied"})),
        "store_beside_its_place": proven(_stored(of={"uri": "s3://atlas-receipts/receipts/drill-10/plan.json"})),
        "store_for_too_short": proven(_stored(of={"retained_until": LAST_MOMENT_MISSED})),
        "store_without_retention": proven(_stored(of={"retention_mode": None, "retained_until": None})),
        "store_in_another_shape": Case(files=_stored(intents="none"), codes=["shape"]),
    }


def _without(name: str) -> Any:
    return lambda content: {key: value for key, value in content.items() if key != name}


def _older(plan: Any) -> Any:
    """Return a plan as an earlier version wrote it, without members that were added since."""
    criteria = _without("storing")(plan["criteria"])
    rows = [_without("discovers")(row) for row in plan["contracts"]]
    return having(criteria=criteria, contracts=rows)(_without("previous_bundle")(plan))
