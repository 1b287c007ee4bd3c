"""A second verifier of drproof's bundles, written from docs/bundle-format.md alone; it imports nothing of drproof.

    python tools/verify_bundle.py BUNDLE --trust trust.json [--expect-drill ID] [--require-level L1] … [--json]

It needs the standard library and `cryptography`. It does not judge (it never says `judged-otherwise`) and does not check
trusted time: a revoked key stays revoked, and it never finds more than L2.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys
import unicodedata
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

MIB = 2**20
KIND, PAYLOAD_TYPE = "https://drproof.dev/attestation/", "application/vnd.in-toto+json"
PLAN, OPENING, VERDICTS, CLOSING = "plan.json", "opening.dsse.json", "verdicts.json", "closing.dsse.json"
LEVELS = ("L0", "L1", "L2", "L3", "L4")
CLASSES = {
    2: {"unreadable", "too-large", "trust-file", "usage"},
    4: {"not-closed", "incomplete", "partial"},
    3: {"refuted"},
    5: {"unsigned", "key-unknown", "key-role", "key-expired", "key-not-yet", "key-revoked", "same-key", "drill", "nonce",
        "account", "region", "previous", "too-old", "in-the-future", "level", "rehearsal"},
}  # fmt: skip
"""The codes of each exit status; every other code means that the evidence is invalid, which is 1."""


class BadError(Exception):
    """A document that is not what it has to be; the argument is the code."""


class Open(dict):
    """The shape of an object that may have other names as well, and lack those that have a default."""


DEFAULTS = {"schema_version": 1, "previous_bundle": None, "discovers": "", "evidence": [], "storing": None}
DEFAULTS |= {"retention_mode": "GOVERNANCE", "retention_days": 30}
DEFAULTS |= {"manual": None, "by_hand": [], "inherited_from": None, "receipts": [], "manual_phase": ""}
DEFAULTS |= {"exit_status": None, "output": None}


def instant(value):
    form = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
    try:
        return isinstance(value, str) and bool(re.fullmatch(form, value) and datetime.fromisoformat(value))
    except ValueError:
        return False


def count(value):
    return type(value) is int and value >= 0


def fits(value, shape):
    """Say whether plain JSON has a shape: an object's names, a list's item, alternatives, a form, a type, a value."""
    if isinstance(shape, dict):
        named = isinstance(value, dict) and (
            value.keys() >= shape.keys() if isinstance(shape, Open) else value.keys() == shape.keys()
        )
        return named and all(fits(value[name], one) for name, one in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, tuple):
        return any(fits(value, one) for one in shape)
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if isinstance(shape, type):
        return type(value) is shape
    return shape(value) if callable(shape) else type(value) is type(shape) and value == shape


SHA = re.compile("[0-9a-f]{64}")
DRILL = {"schema_version": 1, "drill_id": str}
OF_A_PLAN = DRILL | {"mode": ("rehearsal", "live"), "plan": str}
SITE = Open(account_id=str, region=str)
MODES = ("GOVERNANCE", "COMPLIANCE")
STORING = Open(uri=str, owner=str, retention_mode=MODES, retention_days=count)
STORED_FILE = {"path": str, "sha256": SHA, "uri": str, "version": (None, str), "etag": str, "was_there": bool}
STORED_FILE |= {"retention_mode": (None, str), "retained_until": (None, instant), "problem": str}
STORED = {
    "place": str,
    "owner": str,
    "object_lock": (None, bool),
    "retain_until": (None, instant),
    "files": [STORED_FILE],
}
STORED = Open(STORED, schema_version=1, intents=count, intents_missing=[count])
PLAN_SHAPE = Open(
    **OF_A_PLAN, created_at=instant, nonce=SHA, previous_bundle=(None, SHA), window=Open(full=bool), manual_phase=str, phases=[str],
    contracts=[Open(name=str, version=count, subjects=[str], discovers=str)],
    criteria=Open(sites=Open(primary=SITE, recovery=SITE), storing=(None, STORING)),
)  # fmt: skip
ACT = Open(kind=("command", "witness"), person=str, said=str, exit_status=(None, int), output=(None, SHA))
RECEIPT = Open(
    **OF_A_PLAN, phase=str, sequence=count, previous=SHA, opening=SHA,
    outcome=("passed", "failed", "blocked", "not_run", "interrupted", "unobserved"), by_hand=[str],
    evidence=[Open(path=str, sha256=SHA, size=count)], inherited_from=(None, SHA), manual=(None, ACT),
)  # fmt: skip
VERDICT = Open(
    contract=str, version=count, subject=str, status=("proven", "refuted", "unproven"), receipts=[SHA], by_hand=[str],
)  # fmt: skip
OWN_CHECK = {"claim": str, "held": bool, "observed": lambda _: True, "expected": lambda _: True}
OWN_TEST = {"test": str, "outcome": ("passed", "failed", "skipped", "expected_failure", "lost"), "checks": [OWN_CHECK]}
OWN_TEST |= {"duration_ms": count, "reason": str}
OWN_TESTS = Open(schema_version=1, tests=[OWN_TEST], checks_left_out=count)
STATEMENTS = {
    "opening/v1": OF_A_PLAN | {"opened_at": instant, "nonce": SHA, "previous_bundle": (None, SHA), "sites": Open()},
    "checkpoint/v1": DRILL | {"opening": SHA, "sequence": count},
    "closing/v1": OF_A_PLAN | {
        "opening": SHA, "outcome": ("proven", "refuted", "incomplete"), "window": Open(), "receipts": count, "chain_head": SHA,
        "file_count": count, "closed_at": instant, "withheld": [{"path": str, "where": str, "rule": str}],
    },
    "sign-off/v1": DRILL | {
        "decision": ("approved", "rejected"), "person": str, "ticket": str, "reason": str, "signed_at": instant,
    },
}  # fmt: skip
ENVELOPE = {"payload": str, "payloadType": PAYLOAD_TYPE, "signatures": [{"keyid": SHA, "sig": str}]}
SUBJECT = {"name": str, "digest": {"sha256": SHA}}
KEY = {
    "keyid": SHA, "role": ("runner", "collector", "approver"), "public_key": str, "custody": ("file", "non_exportable"),
    "not_before": (None, instant), "not_after": (None, instant), "revoked_at": (None, instant), "reason": str,
}  # fmt: skip
TRUST = {"schema_version": 1, "keys": [KEY], "authorities": [{"name": str, "certificate": str}]}


def canonical(value):
    """Return the bytes of RFC 8785 for what `strict` returns: names in the order of their UTF-16 code units."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return b"{" + b",".join(canonical(name) + b":" + canonical(value[name]) for name in names) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    return json.dumps(value, ensure_ascii=False).encode()


def strict(data):
    """Return the value of a JSON document that has one reading."""

    def once(pairs):
        return dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else refuse(pairs)

    def integer(text):
        return int(text) if len(text) <= 17 and abs(int(text)) < 2**53 else refuse(text)

    def refuse(text):
        raise ValueError(text)

    def check(value, depth):
        if depth > 64:
            refuse(depth)
        if isinstance(value, str):
            value.encode()  # a lone surrogate is a ValueError
        elif isinstance(value, list | dict):
            for item in [*value, *value.values()] if isinstance(value, dict) else value:
                check(item, depth + 1)

    try:
        value = json.loads(
            data.decode(), object_pairs_hook=once, parse_int=integer, parse_float=refuse, parse_constant=refuse
        )
        check(value, 0)
    except (ValueError, RecursionError) as exc:
        raise BadError("json") from exc
    return value


def filled(value, shape):
    """Return a value with the defaults that it lacks."""
    if isinstance(value, dict) and isinstance(shape, tuple | dict):
        shape = shape[-1] if isinstance(shape, tuple) else shape
        lacks = {name: DEFAULTS[name] for name in shape if name in DEFAULTS} if isinstance(shape, Open) else {}
        value = {**lacks, **value}
        return {name: filled(item, shape[name]) if name in shape else item for name, item in value.items()}
    return [filled(item, shape[0]) for item in value] if isinstance(value, list) and isinstance(shape, list) else value


def document(data, shape):
    """Return a canonical JSON document of a shape."""
    value = strict(data)
    if canonical(value) != data:
        raise BadError("not-canonical")
    value = filled(value, shape)
    if not fits(value, shape):
        raise BadError("shape")
    return value


def from_base64(text):
    """Return the bytes of base64 that has one writing."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise BadError("envelope")
    return data


def read_envelope(data):
    """Return the payload and its signatures by keyid."""
    try:
        envelope = document(data, ENVELOPE)
        signatures = {one["keyid"]: from_base64(one["sig"]) for one in envelope["signatures"]}
        if len(envelope["signatures"]) > 4 or len(signatures) != len(envelope["signatures"]):
            raise BadError
        return from_base64(envelope["payload"]), signatures
    except (BadError, ValueError) as exc:
        raise BadError("envelope") from exc


def read_statement(payload, kind):
    """Return the subjects' digests by name, and the predicate."""
    names = {"_type": "https://in-toto.io/Statement/v1", "predicateType": KIND + kind, "subject": [SUBJECT]}
    try:
        content = document(payload, names | {"predicate": STATEMENTS[kind]})
    except BadError as exc:
        raise BadError("statement") from exc
    listed = [one["name"] for one in content["subject"]]
    if listed != sorted(set(listed)):
        raise BadError("statement")
    return {one["name"]: one["digest"]["sha256"] for one in content["subject"]}, content["predicate"]


def trusted_keys(path):
    """Return the keys of the trust file by keyid and role, each entry with its `key` to verify with."""
    try:
        with open(path, "rb") as file:
            content = strict(file.read(16 * MIB))
        if not fits(content, TRUST):
            raise BadError
        for one in content["authorities"]:
            x509.load_pem_x509_certificate(one["certificate"].encode())
        keys = {}
        for one in content["keys"]:
            key = serialization.load_pem_public_key(one["public_key"].encode())
            p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
            der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            ours = hashlib.sha256(der).hexdigest() == one["keyid"] and (one["keyid"], one["role"]) not in keys
            if not ours or not (p256 or isinstance(key, ed25519.Ed25519PublicKey)):
                raise BadError
            keys[one["keyid"], one["role"]] = {**one, "key": key}
    except (OSError, ValueError, UnsupportedAlgorithm, BadError) as exc:
        raise BadError("trust-file") from exc
    return keys


def verifies(key, signature, data):
    """Say whether a signature is of this key and these bytes."""
    try:
        key.verify(signature, data, *([] if isinstance(key, ed25519.Ed25519PublicKey) else [ec.ECDSA(hashes.SHA256())]))
    except InvalidSignature:
        return False
    return True


def doubt(key, at):
    """Return why a key does not count for a statement of this instant, or None."""
    if key is None:
        return "key-role"
    if key["revoked_at"]:
        return "key-revoked"
    if key["not_before"] and at < key["not_before"]:
        return "key-not-yet"
    return "key-expired" if key["not_after"] and at > key["not_after"] else None


class Bundle:
    """What lies in a folder, and the findings so far."""

    def __init__(self, folder):
        self.folder, self.keys, self.plan, self.closing = folder, {}, {}, None
        self.sizes, self.digests, self.findings, self.signers, self.counted = {}, {}, {}, {}, {}
        self.by_hand, self.manual = {}, set()

    def say(self, code, path):
        self.findings[code, path] = None

    def walk(self):
        """Find every file and hash it; what is no file or has no lawful name is said and left out."""
        folded, folders = {}, [""]
        for inside in folders:
            for entry in sorted(os.scandir(os.path.join(self.folder, inside)), key=lambda entry: entry.name):
                path, status = inside + entry.name, entry.stat(follow_symlinks=False)
                if not self.lawful(entry.name):
                    self.say("name", path)
                elif folded.setdefault(path.casefold(), path) != path:
                    self.say("name-collision", path)
                elif stat.S_ISDIR(status.st_mode):
                    folders.append(f"{path}/")
                elif stat.S_ISREG(status.st_mode):
                    self.sizes[path] = status.st_size
                else:
                    self.say("link" if stat.S_ISLNK(status.st_mode) else "special-file", path)
                if len(self.sizes) > 200_000:
                    raise BadError("too-large")
        for path, size in self.sizes.items():
            if size > 256 * MIB:
                self.say("too-large", path)
            with open(os.path.join(self.folder, path), "rb") as file:
                self.digests[path] = hashlib.file_digest(file, "sha256").hexdigest() if size <= 256 * MIB else ""

    @staticmethod
    def lawful(name):
        control = any(unicodedata.category(char) in {"Cc", "Cs"} for char in name)
        return not control and "\\" not in name and len(name.encode()) <= 200 and unicodedata.is_normalized("NFC", name)

    def read(self, path):
        if self.sizes[path] > 16 * MIB:
            raise BadError("too-large")
        with open(os.path.join(self.folder, path), "rb") as file:
            return file.read()

    def document(self, path, shape):
        """Return a document, or None after saying why not."""
        try:
            return document(self.read(path), shape)
        except BadError as exc:
            self.say(str(exc), path)

    def statement(self, path, kind, at):
        """Return subjects and predicate of a signed statement after saying who signed it; None if there is none.

        `at` is the instant that the statement claims, or the name of it in the predicate.
        """
        try:
            payload, signatures = read_envelope(self.read(path))
            subjects, predicate = read_statement(payload, kind)
        except BadError as exc:
            return self.say(str(exc), path)
        signed = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
        collected = self.plan["plan"] in {"execution", "failback-receipts"}
        role = "approver" if kind == "sign-off/v1" else "collector" if collected else "runner"
        doubts, self.signers[path], self.counted[path] = set(), set(), []
        for keyid, signature in signatures.items():
            known = next((entry["key"] for entry in self.keys.values() if entry["keyid"] == keyid), None)
            if known is None:
                doubts.add("key-unknown")
            elif not verifies(known, signature, signed):
                self.say("signature", path)
            else:
                self.signers[path].add(keyid)
                key = self.keys.get((keyid, role))
                doubts.add(doubt(key, predicate.get(at, at)))
                self.counted[path] += [key] if doubt(key, predicate.get(at, at)) is None else []
        for code in (doubts if signatures else {"unsigned"}) - {None}:
            self.say(code, path)
        return subjects, predicate

    def agree(self, code, path, found, subjects, predicate):
        """Say `code` unless a statement has these subjects and, where the predicate has these names, these values."""
        if found and (found[0] != subjects or canonical({**found[1], **predicate}) != canonical(found[1])):
            self.say(code, path)

    def check_opening(self):
        wanted = {name: self.plan[name] for name in ("drill_id", "mode", "plan", "nonce", "previous_bundle")}
        wanted |= {"opened_at": self.plan["created_at"], "sites": self.plan["criteria"]["sites"]}
        found = self.statement(OPENING, "opening/v1", "opened_at")
        self.agree("opening", OPENING, found, {PLAN: self.digests[PLAN]}, wanted)

    def check_receipts(self):
        """Return the outcomes by phase, the number of receipts and the chain head."""
        outcomes, numbered, head = {}, {}, self.digests[OPENING]
        for path in (path for path in self.sizes if path.startswith("receipts/")):
            match = re.fullmatch("receipts/([0-9]{2,9})-([^/]+)[.]json", path)
            if match and f"{int(match[1]):02}" == match[1] and int(match[1]) not in numbered:
                numbered[int(match[1])] = (path, match[2])
            else:
                self.say("receipt-name", path)
        for number, (path, phase) in sorted(numbered.items()):
            receipt = self.document(path, RECEIPT)
            if receipt:
                self.check_receipt(path, receipt, number, phase, head)
            if phase in outcomes:
                self.say("sequence", path)
            outcomes[phase], head = receipt and receipt["outcome"], self.digests[path]
        if sorted(numbered) != list(range(1, len(numbered) + 1)):
            self.say("sequence", "receipts")
        self.check_checkpoints({number: f"{number:02}-{phase}" for number, (_, phase) in numbered.items()})
        return outcomes, len(numbered), head

    def check_receipt(self, path, receipt, number, phase, head):
        if (receipt["sequence"], receipt["phase"]) != (number, phase):
            self.say("receipt-name", path)
        if receipt["previous"] != head:
            self.say("chain", path)
        ours = all(receipt[name] == self.plan[name] for name in ("drill_id", "mode", "plan"))
        if not ours or receipt["opening"] != self.digests[OPENING] or phase not in self.plan["phases"]:
            self.say("foreign", path)
        self.check_by_hand(path, receipt)
        for ref in receipt["evidence"]:
            if ref["path"] not in self.sizes:
                self.say("evidence-missing", ref["path"])
            elif (ref["sha256"], ref["size"]) != (self.digests[ref["path"]], self.sizes[ref["path"]]):
                self.say("evidence-changed", ref["path"])

    def check_by_hand(self, path, receipt):
        """Say whether a receipt and the plan agree on who did what."""
        phase, act, named = receipt["phase"], receipt["manual"], receipt["by_hand"]
        own, meant = receipt["inherited_from"] is None, phase == self.plan["manual_phase"]
        reached = receipt["outcome"] in {"passed", "unobserved"}
        wrong = (act is not None) is not (phase in named) or named != sorted(set(named))
        wrong |= not set(named) <= self.manual | {phase} or (act is None and receipt["outcome"] == "unobserved")
        wrong |= own and (not meant if act else meant and receipt["outcome"] == "passed")
        if act:
            wrong |= act["kind"] == "command" and reached and act["exit_status"] != 0
            wrong |= act["output"] not in {None, *(ref["sha256"] for ref in receipt["evidence"])}
            self.manual.add(phase)
        if wrong:
            self.say("by-hand", path)
        self.by_hand[self.digests[path]] = set(named)

    def check_checkpoints(self, names):
        wanted = {f"checkpoints/{name}.dsse.json": (number, f"receipts/{name}.json") for number, name in names.items()}
        for path in {path for path in self.sizes if path.startswith("checkpoints/")} | wanted.keys():
            number, receipt = wanted.get(path, (None, None))
            if number is None:
                self.say("checkpoint", path)
            elif path in self.sizes:
                found = self.statement(path, "checkpoint/v1", self.plan["created_at"])
                said = {"drill_id": self.plan["drill_id"], "opening": self.digests[OPENING], "sequence": number}
                self.agree("checkpoint", path, found, {receipt: self.digests[receipt]}, said)
            elif CLOSING in self.sizes or number != max(names):
                self.say("checkpoint-missing", path)

    def check_verdicts(self):
        """Return whether there are verdicts and each says proven."""
        rows, judged = {row["name"]: row for row in self.plan["contracts"]}, set()
        content = (
            self.document(VERDICTS, Open(schema_version=1, verdicts=[VERDICT])) if VERDICTS in self.sizes else None
        )
        for one in content["verdicts"] if content else []:
            row, pair = rows.get(one["contract"]), (one["contract"], one["subject"])
            asked = row and (row["discovers"] or one["subject"] in (row["subjects"] or [""]))
            if not asked or one["version"] != row["version"] or pair in judged:
                self.say("verdict-extra", VERDICTS)
            judged.add(pair)
            if one["by_hand"] != sorted(set().union(*(self.by_hand.get(sha, set()) for sha in one["receipts"]))):
                self.say("by-hand", VERDICTS)
        for name, row in rows.items():
            subjects = {subject for contract, subject in judged if contract == name}
            if not subjects or not (row["discovers"] or subjects >= set(row["subjects"])):
                self.say("verdict-missing", VERDICTS)
        return bool(judged) and all(one["status"] == "proven" for one in content["verdicts"])

    def check_own_tests(self):
        """Return whether no test of the operator's own stands against the drill."""
        if "own-tests.json" not in self.sizes:
            return True
        said = self.document("own-tests.json", OWN_TESTS)
        return said is not None and all(
            test["outcome"] not in {"failed", "lost"} and all(one["held"] for one in test["checks"])
            for test in said["tests"]
        )

    def check_store(self):
        """Return whether plan, opening and receipts lie in a receipt store, if the plan asks for one."""
        said = self.document("receipts-store.json", STORED) if "receipts-store.json" in self.sizes else None
        asked = self.plan["criteria"]["storing"]
        if not asked or not said:
            return not asked
        place = (
            f"{asked['uri']}/{re.sub('[^A-Za-z0-9._-]+', '_', self.plan['drill_id']).strip('_') or 'unknown_execution'}"
        )
        digests, until = {row["path"]: row["sha256"] for row in said["files"]}, None
        if said["object_lock"] and asked["retention_days"]:
            opened = datetime.fromisoformat(self.plan["created_at"]).replace(microsecond=0)
            until = (opened + timedelta(days=asked["retention_days"], seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        kept = until is None or all(
            row["retention_mode"] in MODES[MODES.index(asked["retention_mode"]) :]
            and (row["retained_until"] or "") >= until
            for row in said["files"]
        )
        there = all(row["problem"] == "" and row["uri"].startswith(f"{place}/") for row in said["files"])
        wanted = [path for path in self.sizes if path in {PLAN, OPENING} or path.startswith("receipts/")]
        same = (said["place"], said["owner"]) == (place, asked["owner"]) and said["object_lock"] is not None
        listed = all(digests.get(path) == self.digests[path] for path in wanted)
        return kept and there and same and listed and not said["intents_missing"]

    def check_closing(self, outcomes, number, head, *, proven, stored):
        found = self.statement(CLOSING, "closing/v1", "closed_at")
        if not found:
            return
        subjects, self.closing = found
        there = {path: sha for path, sha in self.digests.items() if path != CLOSING and not path.startswith("after/")}
        if "journal.reserve" in there and not self.read("journal.reserve").strip(b"\0"):
            del there["journal.reserve"]
        for path in subjects.keys() | there:
            if path not in there or path not in subjects:
                self.say("file-missing" if path in subjects else "file-extra", path)
            elif there[path] != subjects[path]:
                self.say("file-changed", path)
        wanted = {name: self.plan[name] for name in ("drill_id", "mode", "plan", "window")}
        wanted |= {
            "opening": self.digests[OPENING],
            "receipts": number,
            "chain_head": head,
            "file_count": len(subjects),
        }
        self.agree("closing", CLOSING, found, subjects, wanted)
        if self.closing["closed_at"] < self.plan["created_at"]:
            self.say("closing", CLOSING)
        whole = outcomes.keys() >= set(self.plan["phases"]) and set(outcomes.values()) <= {"passed", "not_run"}
        if self.closing["outcome"] != "proven":
            self.say(self.closing["outcome"], CLOSING)
        elif not (proven and whole and stored) or self.closing["withheld"]:
            self.say("outcome", CLOSING)

    def check_after(self):
        """Return whether an approver's other key approved the closing, and none rejected it."""
        decisions, closing = set(), self.digests.get(CLOSING, "")
        runners = set().union(*(keys for path, keys in self.signers.items() if not path.startswith("after/")))
        for path in (path for path in self.sizes if path.startswith("after/")):
            if path == "after/trusted-time.tsr" and closing:
                if bytes.fromhex(closing) not in self.read(path):
                    self.say("trusted-time", path)
            elif not closing or not re.fullmatch(r"after/[^/]+[.]dsse[.]json", path):
                self.say("after", path)
            elif found := self.statement(path, "sign-off/v1", "signed_at"):
                self.agree("after", path, found, {CLOSING: closing}, {"drill_id": self.plan["drill_id"]})
                if any(key["keyid"] not in runners for key in self.counted[path]):
                    decisions.add(found[1]["decision"])
                if any(key["keyid"] in runners for key in self.counted[path]):
                    self.say("same-key", path)
        return decisions == {"approved"}

    def check_expected(self, options):
        """Compare with what the reader asked for: which drill, how old, and what counts as whole."""
        site = self.plan["criteria"]["sites"]["recovery"]
        for code, wanted, said in (
            ("drill", options.expect_drill, self.plan["drill_id"]),
            ("nonce", options.expect_nonce, self.plan["nonce"]),
            ("account", options.expect_account, site["account_id"]),
            ("region", options.expect_region, site["region"]),
            ("previous", options.prev, self.plan["previous_bundle"]),
        ):
            if wanted is not None and wanted.removeprefix("sha256:" if code == "previous" else "") != said:
                self.say(code, PLAN)
        path, at = (CLOSING, self.closing["closed_at"]) if self.closing else (OPENING, self.plan["created_at"])
        if datetime.fromisoformat(at) > options.now + timedelta(minutes=1):
            self.say("in-the-future", path)
        if options.max_age is not None and options.now - datetime.fromisoformat(at) > options.max_age:
            self.say("too-old", path)
        if options.require_full and not self.plan["window"]["full"]:
            self.say("partial", PLAN)
        if self.plan["mode"] == "rehearsal" and not options.accept_rehearsal:
            self.say("rehearsal", PLAN)

    def exit_status(self):
        found = {next((number for number, codes in CLASSES.items() if code in codes), 1) for code, _ in self.findings}
        return next((number for number in (2, 1, 4, 3, 5) if number in found), 0)

    def level(self, *, approved):
        """Return the level of assurance that the signatures reach."""
        counted = [keys for path, keys in self.counted.items() if not path.startswith("after/")]
        doubted = any(code in CLASSES[5] and not path.startswith("after/") for code, path in self.findings)
        if self.exit_status() in {1, 2} or doubted or not counted:
            return "L0"
        held = all(key["custody"] == "non_exportable" for keys in counted for key in keys)
        return "L2" if held and approved else "L1"

    def check(self, options):
        """Say everything that there is to say, and return the level of assurance."""
        self.walk()
        if not self.sizes.keys() & {PLAN, OPENING}:
            raise BadError("unreadable")
        for path in {PLAN, OPENING} - self.sizes.keys():
            self.say("file-missing", path)
        self.plan = self.document(PLAN, PLAN_SHAPE) if self.sizes.keys() >= {PLAN, OPENING} else None
        if not self.plan:
            return "L0"
        self.check_opening()
        receipts = self.check_receipts()
        proven = (CLOSING in self.sizes or VERDICTS in self.sizes) and self.check_verdicts()
        proven, stored = self.check_own_tests() and proven, self.check_store()
        if CLOSING in self.sizes:
            self.check_closing(*receipts, proven=proven, stored=stored)
        else:
            self.say("not-closed", CLOSING)
        level = self.level(approved=self.check_after())
        self.check_expected(options)
        if options.require_level and level < options.require_level:
            self.say("level", CLOSING)
        return level


def verify(arguments):
    """Return exit status, level and findings for the arguments of a command line."""
    options = parser().parse_args(arguments)
    bundle, level, where = Bundle(options.bundle), "L0", options.trust
    try:
        bundle.keys, where = trusted_keys(options.trust), "."
        level = bundle.check(options)
    except BadError as exc:
        bundle.say(str(exc), where)
    except OSError as exc:
        bundle.say("unreadable", os.path.relpath(exc.filename or options.bundle, options.bundle))
    findings = [{"code": code, "path": path} for code, path in sorted(bundle.findings)]
    return {"exit": bundle.exit_status(), "level": level, "findings": findings}


def duration(text):
    if not re.fullmatch("[0-9]{1,6}[dhms]", text):
        raise argparse.ArgumentTypeError("expected a number with d, h, m or s, such as 30d")
    return int(text[:-1]) * timedelta(seconds={"d": 86_400, "h": 3_600, "m": 60, "s": 1}[text[-1]])


def said(text):
    if not text:
        raise argparse.ArgumentTypeError("it is empty; leave it out to expect nothing")
    return text


def moment(text):
    if not instant(text):
        raise argparse.ArgumentTypeError("expected an instant, such as 2026-01-31T12:00:00.000Z")
    return datetime.fromisoformat(text)


def parser():
    made = argparse.ArgumentParser(description="Verify a drproof bundle: docs/bundle-format.md.", allow_abbrev=False)
    made.add_argument("bundle")
    made.add_argument("--trust", required=True)
    for name in ("--expect-drill", "--expect-nonce", "--expect-account", "--expect-region", "--prev"):
        made.add_argument(name, type=said)
    made.add_argument("--max-age", type=duration)
    made.add_argument("--now", type=moment, default=datetime.now(UTC))
    made.add_argument("--require-level", choices=LEVELS)
    for name in ("--require-full", "--accept-rehearsal", "--json"):
        made.add_argument(name, action="store_true")
    return made


def main():
    result = verify(sys.argv[1:])
    if "--json" in sys.argv:
        print(json.dumps(result, sort_keys=True))
    else:
        for one in result["findings"]:
            print(f"{one['code']}: {ascii(one['path'])[1:-1]}")
        print(f"exit {result['exit']}, level {result['level']}")
    return result["exit"]


if __name__ == "__main__":
    sys.exit(main())
