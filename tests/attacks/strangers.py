"""What somebody can do to a bundle who holds no key that the reader trusts."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rfc8785 import dumps

from tests.attacks.bundles import CLOSING, OPENING, PLAN, VERDICTS, Files, build, digest, sign_off
from tests.attacks.case import Case, enveloped, flipped, moved, stated, swapped, without
from tests.attacks.honest import CHAIN, COLLECTION, HEALTH, LAST, PREVIOUS, STALE, approved
from tests.attacks.keys import APPROVER, COLLECTOR, RUNNER, SECOND, STRANGER
from tests.contracts.observed import at, sha256

FIRST, MIDDLE = "01-check_health", "02-capture_alarms"
HISTORY = "evidence/capture_alarms/history.json"
OTHER = replace(CHAIN, drill_id="drill-2", nonce=sha256("another nonce"))


def cases() -> Mapping[str, Case]:
    """Return each attack of a stranger by its name."""
    return {**_bytes(), **_files(), **_grafts(), **_tails(), **_replays(), **_keys()}


def _bytes() -> Mapping[str, Case]:
    files = build(CHAIN)
    receipt, alarms = f"receipts/{FIRST}.json", f"receipts/{MIDDLE}.json"
    return {
        "plan_edited": Case(
            files=flipped(files, PLAN, b'"rto_ms":3600000', b'"rto_ms":9600000'), codes=["opening", "file-changed"]
        ),
        "plan_fixed_afterwards": Case(
            files=_refixed(files), codes=["unsigned", "file-changed", "foreign", "chain", "checkpoint", "closing"]
        ),
        "receipt_edited": Case(
            files=flipped(files, receipt, b'"age_ms":3600000', b'"age_ms":1600000'),
            codes=["chain", "checkpoint", "file-changed"],
        ),
        "last_receipt_edited": Case(
            files=flipped(files, f"receipts/{LAST}.json", b"message-1", b"message-9"),
            codes=["checkpoint", "closing", "file-changed"],
        ),
        "receipt_not_canonical": Case(
            files={**files, receipt: files[receipt] + b"\n"},
            codes=["not-canonical", "chain", "checkpoint", "file-changed"],
        ),
        "receipt_torn": Case(
            files={**files, alarms: files[alarms][:-1]}, codes=["json", "chain", "checkpoint", "file-changed"]
        ),
        "receipt_empty": Case(files={**files, alarms: b""}, codes=["json", "chain", "checkpoint", "file-changed"]),
        "evidence_edited": Case(
            files=flipped(files, HISTORY, b"ALARM", b"alarm"), codes=["evidence-changed", "file-changed"]
        ),
        "verdict_edited": Case(
            files=flipped(build(replace(HEALTH, evidence=STALE)), VERDICTS, b'"refuted"', b'"proven" '),
            codes=["not-canonical", "file-changed", "refuted"],
        ),
        "verdicts_rewritten": Case(
            files={
                **build(replace(HEALTH, evidence=STALE)),
                VERDICTS: build(HEALTH)[VERDICTS],
            },
            codes=["file-changed", "refuted"],
        ),
        "verdicts_with_a_name_twice": Case(
            files={**files, VERDICTS: b'{"schema_version":1,' + files[VERDICTS][1:]}, codes=["json", "file-changed"]
        ),
        "page_edited": Case(files=flipped(files, "proof.html", b"proof<", b"prove<"), codes=["file-changed"]),
        "journal_edited": Case(files={**files, "journal.log": b""}, codes=["file-changed"]),
    }


def _refixed(files: Files) -> Files:
    """Write the plan anew and open it unsigned, as if the bar had been lower from the beginning."""
    plan = json.loads(files[PLAN])
    plan["criteria"]["rto_ms"] *= 10
    data = dumps(plan)

    def change(content: dict[str, Any]) -> None:
        content["subject"][0]["digest"]["sha256"] = digest(data)

    return stated({**files, PLAN: data}, OPENING, change)


def _files() -> Mapping[str, Case]:
    files = build(CHAIN)
    first, second = f"receipts/{FIRST}.json", f"receipts/{MIDDLE}.json"
    copy = {**files, "receipts/04-notify.json": files[f"receipts/{LAST}.json"]}
    return {
        "plan_dropped": Case(files=without(files, PLAN), codes=["file-missing"]),
        "opening_dropped": Case(files=without(files, OPENING), codes=["file-missing"]),
        "plan_and_opening_dropped": Case(files=without(files, PLAN, OPENING), exit=2, codes=["unreadable"]),
        "verdicts_dropped": Case(files=without(files, VERDICTS), codes=["file-missing", "verdict-missing"]),
        "evidence_dropped": Case(files=without(files, HISTORY), codes=["evidence-missing", "file-missing"]),
        "page_dropped": Case(files=without(files, "proof.html"), codes=["file-missing"]),
        "receipt_dropped": Case(
            files=without(files, second),
            codes=["sequence", "chain", "checkpoint", "closing", "file-missing"],
        ),
        "checkpoint_dropped": Case(
            files=without(files, f"checkpoints/{MIDDLE}.dsse.json"), codes=["checkpoint-missing", "file-missing"]
        ),
        "file_added": Case(files={**files, "note.txt": b""}, codes=["file-extra"]),
        "hidden_file_added": Case(files={**files, "evidence/.cache": b""}, codes=["file-extra"]),
        "reserve_in_a_closed_bundle": Case(files={**files, "journal.reserve": b"hello"}, codes=["file-extra"]),
        "receipt_added": Case(
            files=copy,
            codes=["receipt-name", "sequence", "chain", "checkpoint-missing", "closing", "file-extra"],
        ),
        "stranger_among_the_receipts": Case(
            files={**files, "receipts/readme.txt": b""}, codes=["receipt-name", "file-extra"]
        ),
        "stranger_among_the_checkpoints": Case(
            files={**files, "checkpoints/04-teardown.dsse.json": files[f"checkpoints/{LAST}.dsse.json"]},
            codes=["checkpoint", "file-extra"],
        ),
        "receipts_swapped": Case(
            files=swapped(files, first, second),
            codes=["chain", "checkpoint", "file-changed"],
        ),
        "receipts_reordered": Case(
            files=_reordered(files),
            codes=["receipt-name", "chain", "checkpoint", "file-extra", "file-missing"],
        ),
        "checkpoints_swapped": Case(
            files=swapped(files, f"checkpoints/{FIRST}.dsse.json", f"checkpoints/{MIDDLE}.dsse.json"),
            codes=["checkpoint", "file-changed"],
        ),
        "opening_and_closing_swapped": Case(
            files=swapped(files, OPENING, CLOSING),
            codes=["statement", "foreign", "chain", "checkpoint"],
        ),
        "receipt_renumbered": Case(
            files=moved(files, first, "receipts/1-check_health.json"),
            codes=["receipt-name", "sequence", "chain", "checkpoint", "closing", "file-extra", "file-missing"],
        ),
        "page_renamed": Case(files=moved(files, "proof.html", "Proof.html"), codes=["file-extra", "file-missing"]),
        "evidence_in_another_folder": Case(
            files=moved(files, HISTORY, "derived/history.json"),
            codes=["evidence-missing", "file-extra", "file-missing"],
        ),
        "verdicts_linked": Case(
            files=moved(files, VERDICTS, "derived/copy.json"),
            links={VERDICTS: "derived/copy.json"},
            codes=["link", "file-extra", "file-missing", "verdict-missing"],
        ),
        "folder_linked": Case(files=files, links={"logs": "evidence"}, codes=["link"]),
        "link_to_nowhere": Case(files=files, links={"evidence/more": "../../nowhere"}, codes=["link"]),
    }


def _reordered(files: Files) -> Files:
    """Let the first two receipts change places, names and checkpoints with them."""
    made = dict(files)
    for kind, end in (("receipts", ".json"), ("checkpoints", ".dsse.json")):
        one, other = made.pop(f"{kind}/{FIRST}{end}"), made.pop(f"{kind}/{MIDDLE}{end}")
        made |= {f"{kind}/01-capture_alarms{end}": other, f"{kind}/02-check_health{end}": one}
    return made


def _grafts() -> Mapping[str, Case]:
    files, other = build(CHAIN), build(OTHER)
    everything = {path: data for path, data in other.items() if path.startswith(("receipts/", "checkpoints/"))}
    return {
        "receipt_of_another_drill": Case(
            files={**files, f"receipts/{MIDDLE}.json": other[f"receipts/{MIDDLE}.json"]},
            codes=["foreign", "chain", "checkpoint", "file-changed"],
        ),
        "receipts_of_another_drill": Case(
            files={**files, **everything},
            codes=["foreign", "chain", "checkpoint", "closing", "file-changed"],
        ),
        "checkpoint_of_another_drill": Case(
            files={**files, f"checkpoints/{LAST}.dsse.json": other[f"checkpoints/{LAST}.dsse.json"]},
            codes=["checkpoint", "file-changed"],
        ),
        "closing_of_another_drill": Case(files={**files, CLOSING: other[CLOSING]}, codes=["closing", "file-changed"]),
        "opening_of_another_drill": Case(
            files={**files, OPENING: other[OPENING]},
            codes=["opening", "foreign", "chain", "checkpoint", "closing", "file-changed"],
        ),
        "plan_and_opening_of_another_drill": Case(
            files={**files, PLAN: other[PLAN], OPENING: other[OPENING]},
            codes=["foreign", "chain", "checkpoint", "closing", "file-changed"],
        ),
        "page_of_another_drill": Case(
            files={**files, "proof.html": b"<!doctype html><title>another</title>\n"}, codes=["file-changed"]
        ),
    }


def _tails() -> Mapping[str, Case]:
    files = build(CHAIN)
    last, middle = ([f"receipts/{name}.json", f"checkpoints/{name}.dsse.json"] for name in (LAST, MIDDLE))
    return {
        "closing_dropped": Case(files=without(files, CLOSING), exit=4, codes=["not-closed"], level="L1"),
        "tail_cut": Case(files=without(files, *last), codes=["closing", "file-missing"]),
        "tail_and_closing_cut": Case(files=without(files, *last, CLOSING), exit=4, codes=["not-closed"], level="L1"),
        "long_tail_and_closing_cut": Case(
            files=without(files, *middle, *last, CLOSING),
            exit=4,
            codes=["not-closed"],
            level="L1",
            judging={"exit": 1, "level": "L0", "codes": ["judged-otherwise"]},
        ),
        "head_cut": Case(
            files=without(files, f"receipts/{FIRST}.json", f"checkpoints/{FIRST}.dsse.json"),
            codes=["sequence", "chain", "file-missing", "closing"],
        ),
        "middle_checkpoint_and_closing_cut": Case(
            files=without(files, f"checkpoints/{MIDDLE}.dsse.json", CLOSING),
            codes=["checkpoint-missing", "not-closed"],
        ),
    }


def _replays() -> Mapping[str, Case]:
    files = build(replace(HEALTH, previous=PREVIOUS))

    def asked(code: str, *options: str, **said: Any) -> Case:
        return Case(files=files, exit=5, codes=[code], level="L1", options=options, **said)

    return {
        "another_drill_than_expected": asked("drill", "--expect-drill", "drill-2"),
        "another_nonce_than_expected": asked("nonce", "--expect-nonce", sha256("fresh")),
        "another_account_than_expected": asked("account", "--expect-account", "999999999999"),
        "another_region_than_expected": asked("region", "--expect-region", "eu-central-1"),
        "another_bundle_before_it": asked("previous", "--prev", sha256("the one before last")),
        "first_of_a_chain": Case(
            files=build(HEALTH), exit=5, codes=["previous"], level="L1", options=("--prev", PREVIOUS)
        ),
        "too_old": asked("too-old", "--max-age", "7m"),
        "from_the_future": asked("in-the-future", now=at(40)),
        "part_where_the_whole_is_required": Case(
            files=build(CHAIN), exit=4, codes=["partial"], level="L1", options=("--require-full",)
        ),
        "rehearsal": Case(files=build(replace(HEALTH, mode="rehearsal")), exit=5, codes=["rehearsal"], level="L1"),
        "level_not_reached": asked("level", "--require-level", "L2"),
        "level_of_a_rejection": Case(
            files={**approved(), "after/no.dsse.json": sign_off(build(HEALTH), APPROVER, decision="rejected")},
            exit=5,
            codes=["level"],
            level="L1",
            trust="held",
            options=("--require-level", "L2"),
        ),
    }


def _keys() -> Mapping[str, Case]:
    files = build(HEALTH)
    broken = (
        "wrong-keyid",
        "twice",
        "field",
        "no-field",
        "kind",
        "no-day",
        "version",
        "duplicate",
        "certificate",
        "none",
    )
    confused: dict[str, Any] = {"keyid": RUNNER.keyid}

    def confuse(content: dict[str, Any]) -> None:
        content["signatures"][0].update(confused)

    def accuse(content: dict[str, Any]) -> None:
        content["signatures"][0]["keyid"] = STRANGER.keyid

    forged = build(replace(HEALTH, keys=(STRANGER,)))
    return {
        "key_unknown": Case(files=files, exit=5, codes=["key-unknown"], trust="unknown"),
        "no_key_is_trusted": Case(files=files, exit=5, codes=["key-unknown"], trust="nobody"),
        "key_expired": Case(files=files, exit=5, codes=["key-expired"], trust="expired"),
        "key_not_yet": Case(files=files, exit=5, codes=["key-not-yet"], trust="not-yet"),
        "key_revoked": Case(files=files, exit=5, codes=["key-revoked"], trust="revoked"),
        "collection_signed_by_a_runner": Case(
            files=build(replace(COLLECTION, keys=(RUNNER,))), exit=5, codes=["key-role"]
        ),
        "drill_signed_by_a_collector": Case(
            files=build(replace(HEALTH, keys=(COLLECTOR,))), exit=5, codes=["key-role"]
        ),
        "key_in_another_role": Case(files=files, exit=5, codes=["key-role"], trust="role"),
        "approved_by_the_runner": Case(
            files={**files, "after/own.dsse.json": sign_off(files, RUNNER)},
            exit=5,
            codes=["same-key"],
            level="L1",
            trust="both-roles",
        ),
        "forged_by_a_stranger": Case(files=forged, exit=5, codes=["key-unknown"]),
        "forged_under_a_trusted_keyid": Case(
            files=enveloped(forged, CLOSING, confuse), codes=["signature", "key-unknown"]
        ),
        "signed_under_a_strange_keyid": Case(files=enveloped(files, CLOSING, accuse), exit=5, codes=["key-unknown"]),
        "signed_by_another_than_said": Case(
            files=enveloped(files, CLOSING, lambda content: content["signatures"][0].update(keyid=SECOND.keyid)),
            codes=["signature"],
        ),
        "evidence_relisted_unsigned": Case(
            files=build(replace(HEALTH, keys=(), by={OPENING: (RUNNER,), f"checkpoints/{FIRST}.dsse.json": (RUNNER,)})),
            exit=5,
            codes=["unsigned"],
        ),
        "evidence_relisted_by_a_stranger": Case(
            files=build(replace(HEALTH, by={CLOSING: (STRANGER,)}, more={"evidence/claim.txt": b"all is well"})),
            exit=5,
            codes=["key-unknown"],
        ),
        **{
            f"trust_file_{name.replace('-', '_')}": Case(files=files, exit=2, codes=["trust-file"], trust=name)
            for name in broken
        },
    }
