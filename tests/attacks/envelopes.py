"""What a stranger can do to envelopes, and to what lies after the closing."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.attacks.bundles import CLOSING, OPENING, Drill, Files, build, sign_off
from tests.attacks.case import Case, enveloped, kept, stated, without
from tests.attacks.honest import HEALTH, STALE
from tests.attacks.keys import APPROVER, RUNNER, SECOND, STRANGER, signatures
from tests.contracts.observed import sha256

FIRST = "01-check_health"


def cases() -> Mapping[str, Case]:
    """Return each of them by its name."""
    return {**_envelopes(), **_after()}


def _envelopes() -> Mapping[str, Case]:
    files = build(HEALTH)
    closing = json.loads(files[CLOSING])
    payload: str = closing["payload"]
    raw = base64.b64decode(payload)
    good = closing["signatures"]

    def wrapped(change: Any) -> Files:
        return enveloped(files, CLOSING, change)

    def junk(content: dict[str, Any]) -> None:
        content["signatures"].append({"keyid": SECOND.keyid, "sig": base64.b64encode(bytes(64)).decode()})

    def unpadded(text: str) -> str:
        return text.rstrip("=") if text.endswith("=") else text[:-1]

    def broken(name: str, change: Any, *codes: str) -> Mapping[str, Case]:
        return {f"envelope_{name}": Case(files=wrapped(change), codes=codes or ("envelope",))}

    strangers = [{"keyid": sha256(str(number)), "sig": good[0]["sig"]} for number in range(4)]
    sig = base64.b64decode(good[0]["sig"])
    loose = base64.b64encode(sig).decode()[:-3]
    return {
        **broken("with_another_field", lambda content: content.update(note="")),
        **broken("with_a_certificate", lambda content: content["signatures"][0].update(cert=RUNNER.pem)),
        **broken("of_another_type", lambda content: content.update(payloadType="application/json")),
        **broken("without_signatures", lambda content: {k: v for k, v in content.items() if k != "signatures"}),
        **broken("with_signatures_null", lambda content: content.update(signatures=None)),
        **broken("signed_by_five", lambda content: content["signatures"].extend(strangers)),
        **broken("signed_twice_by_one", lambda content: content["signatures"].extend(good)),
        **broken(
            "with_a_keyid_in_capitals", lambda content: content["signatures"][0].update(keyid=RUNNER.keyid.upper())
        ),
        **broken(
            "with_loose_base64",
            lambda content: content["signatures"][0].update(sig=f"{loose}{_next(good[0]['sig'][-3])}=="),
        ),
        **broken("without_padding", lambda content: content["signatures"][0].update(sig=unpadded(good[0]["sig"]))),
        **broken(
            "with_url_base64",
            lambda content: content["signatures"][0].update(sig=base64.urlsafe_b64encode(b"\xff" * 64).decode()),
        ),
        **broken("with_a_newline", lambda content: content.update(payload=payload[:76] + "\n" + payload[76:])),
        **broken("with_a_junk_signature", junk, "signature"),
        **broken("with_a_short_signature", lambda content: content["signatures"][0].update(sig="AAAA"), "signature"),
        "envelope_signed_by_a_stranger_as_well": Case(
            files=wrapped(lambda content: content["signatures"].extend(signatures(raw, [STRANGER]))),
            exit=5,
            codes=["key-unknown"],
        ),
        "envelope_stripped_of_its_signature": Case(
            files=wrapped(lambda content: content.update(signatures=[])), exit=5, codes=["unsigned"]
        ),
        "envelope_with_blanks": Case(
            files={**files, CLOSING: json.dumps(closing, indent=1).encode()}, codes=["envelope"]
        ),
        "envelope_with_a_newline_after_it": Case(files={**files, CLOSING: files[CLOSING] + b"\n"}, codes=["envelope"]),
        "envelope_with_a_name_twice": Case(
            files={**files, CLOSING: b'{"payload":"",' + files[CLOSING][1:]}, codes=["envelope"]
        ),
        "envelope_that_is_a_list": Case(files={**files, CLOSING: b"[]"}, codes=["envelope"]),
        "envelope_that_is_empty": Case(files={**files, CLOSING: b""}, codes=["envelope"]),
        "envelope_around_nothing": Case(files=wrapped(lambda content: content.update(payload="")), codes=["statement"]),
        "payload_changed": Case(
            files=kept(
                build(replace(HEALTH, evidence=STALE)),
                CLOSING,
                lambda content: content["predicate"].update(outcome="proven"),
            ),
            codes=["signature", "outcome"],
        ),
        "payload_of_the_opening_changed": Case(
            files=kept(files, OPENING, lambda content: content["predicate"].update(nonce=sha256("fresh"))),
            codes=["signature", "opening", "foreign", "chain", "checkpoint", "closing", "file-changed"],
        ),
        "payload_with_blanks": Case(
            files=wrapped(
                lambda content: content.update(
                    payload=base64.b64encode(raw + b" ").decode(), signatures=signatures(raw + b" ", [STRANGER])
                )
            ),
            codes=["statement"],
        ),
        "checkpoint_unsigned": Case(
            files=build(replace(HEALTH, by={f"checkpoints/{FIRST}.dsse.json": ()})), exit=5, codes=["unsigned"]
        ),
        "subject_dropped_unsigned": Case(
            files=without(
                stated(
                    files,
                    CLOSING,
                    lambda content: content.update(
                        subject=[one for one in content["subject"] if one["name"] != "proof.html"]
                    ),
                ),
                "proof.html",
            ),
            codes=["closing", "unsigned"],
        ),
    }


def _next(letter: str) -> str:
    """Return the letter of base64 that differs in its last bit."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return letters[letters.index(letter) ^ 1]


def _after() -> Mapping[str, Case]:
    files, other = build(HEALTH), build(Drill(nonce=sha256("another nonce")))
    unclosed = build(replace(HEALTH, closed=False))
    name = "after/approval.dsse.json"

    def approved_by(data: bytes, *codes: str, status: int = 1, level: str = "L0") -> Case:
        return Case(files={**files, name: data}, exit=status, codes=codes or ("after",), level=level)

    return {
        "stranger_after_the_closing": Case(files={**files, "after/note.txt": b"fine"}, codes=["after"]),
        "folder_after_the_closing": Case(
            files={**files, "after/more/a.dsse.json": sign_off(files, APPROVER)}, codes=["after"]
        ),
        "closing_after_the_closing": approved_by(files[CLOSING], "statement"),
        "approval_of_another_closing": approved_by(sign_off(other, APPROVER)),
        "approval_of_another_drill": approved_by(sign_off(files, APPROVER, drill_id="drill-2")),
        "approval_before_the_closing": Case(
            files={**unclosed, name: sign_off(files, APPROVER)}, codes=["after", "not-closed"]
        ),
        "approval_that_is_none": approved_by(sign_off(files, APPROVER, decision="maybe"), "statement"),
        "approval_unsigned": approved_by(sign_off(files), "unsigned", status=5, level="L1"),
        "approval_by_a_stranger": approved_by(sign_off(files, STRANGER), "key-unknown", status=5, level="L1"),
        "approval_by_a_runner": approved_by(sign_off(files, SECOND), "key-role", status=5, level="L1"),
        "approval_edited": approved_by(
            kept(
                {name: sign_off(files, APPROVER, decision="rejected")},
                name,
                lambda content: content["predicate"].update(decision="approved"),
            )[name],
            "signature",
        ),
        "approval_listed_in_the_closing": Case(files={**files, "after/approval.json": b"{}"}, codes=["after"]),
        "time_of_another_closing": Case(
            files={**files, "after/trusted-time.tsr": b"\x30\x03\x02\x01\x00"}, codes=["trusted-time"]
        ),
    }
