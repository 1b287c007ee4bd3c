"""The encrypted on-prem backup, as far as it can be judged without its key: at best its integrity."""

from dataclasses import replace
from typing import Any

from drproof.contracts.digests import other
from drproof.formats import onprem_backup, s3_uri
from drproof.formats.onprem_backup import CHECKSUMS, ENCRYPTED, METADATA
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.backup.beside import OK, EncryptedFileSeen, EncryptedSeen
from drproof.phases.backup.observed import ObjectSeen, RestorePointObserved

RestorePoint = Receipt[RestorePointObserved]
UNSEEN = "integrity of the ciphertext; that it can be decrypted, and what it holds, nobody sees without the key"


def _is_onprem(criteria: Criteria) -> bool:
    return criteria.backup.layout == "onprem"


@contract(
    needs=["read_restore_point"],
    subjects=expected("file of the on-prem backup", lambda criteria: criteria.backup.objects),
    applies=_is_onprem,
    controls=["NIST CP-9(1)", "ISO 27001 A.8.13"],
)
def encrypted_file_is_what_was_written(read_restore_point: RestorePoint, subject: str) -> Finding:
    """Each file of the on-prem backup is there as metadata and checksums both say, and encrypted as it must be."""
    facts = read_restore_point.facts
    seen = next((one for one in facts.objects if one.name == subject), None)
    encrypted = facts.encrypted
    if seen is None or encrypted is None:
        return undecided(f"the receipt does not speak of {subject}")
    if seen.status != OK or not seen.size:
        return hold(
            False,  # noqa: FBT003 — a file that is not there, or is empty, is not what was written
            observed={"status": seen.status, "size": seen.size},
            expected={"status": OK, "size": seen.promised_size},
            reason=f"{seen.key} is not there, or is empty",
        )
    if subject == METADATA:
        return compare(observed=facts.problem, expected="", reason="the metadata cannot be read")
    if subject == CHECKSUMS:
        return _checksums(encrypted)
    file = next((one for one in encrypted.files if one.name == subject), None)
    if file is None or not seen.sha256:
        return undecided(f"nobody looked into {seen.key}")
    return compare(
        observed={
            "size": seen.size,
            "sha256": seen.sha256,
            "checksums.json": file.listed_sha256,
            "salted": file.salted,
            "whole_blocks": onprem_backup.is_whole(seen.size),
            "shown": UNSEEN,
        },
        expected={
            "size": seen.promised_size,
            "sha256": seen.promised_sha256,
            "checksums.json": seen.promised_sha256,
            "salted": True,
            "whole_blocks": True,
            "shown": UNSEEN,
        },
        reason=f"{seen.key} is not what was written, or is no file that openssl enc made with a salt",
    )


def _checksums(encrypted: EncryptedSeen) -> Finding:
    wanted = sorted(ENCRYPTED)
    return compare(
        observed={
            "problem": encrypted.checksums_problem,
            "checksums.json": list(encrypted.listed),
            "metadata": list(encrypted.promised),
        },
        expected={"problem": "", "checksums.json": wanted, "metadata": wanted},
        reason=f"{CHECKSUMS} and metadata do not name exactly the encrypted files",
    )


@encrypted_file_is_what_was_written.sabotage("the file is gone")
def file_gone(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Lose the file."""
    return _object(read_restore_point, subject, status="not_found")


@encrypted_file_is_what_was_written.sabotage("the file is empty")
def file_empty(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Empty the file."""
    return _object(read_restore_point, subject, size=0)


@encrypted_file_is_what_was_written.sabotage("the metadata cannot be read")
def unreadable(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Spoil the metadata."""
    _only(subject, METADATA)
    return replace(read_restore_point, observed=replace(read_restore_point.facts, problem="metadata-shape"))


@encrypted_file_is_what_was_written.sabotage("checksums.json does not name an encrypted file")
def unlisted(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Leave a file out."""
    _only(subject, CHECKSUMS)
    return _encrypted(read_restore_point, listed=ENCRYPTED[:1])


@encrypted_file_is_what_was_written.sabotage("the metadata names a file more")
def more_promised(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Promise more."""
    _only(subject, CHECKSUMS)
    return _encrypted(read_restore_point, promised=(*sorted(ENCRYPTED), "more.enc"))


@encrypted_file_is_what_was_written.sabotage("one byte differs")
def byte_differs(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Change a byte."""
    _only(subject, *ENCRYPTED)
    seen = _known(read_restore_point, subject)
    return _object(read_restore_point, subject, sha256=other(seen.sha256))


@encrypted_file_is_what_was_written.sabotage("one block is missing")
def block_missing(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Cut a block."""
    _only(subject, *ENCRYPTED)
    seen = _known(read_restore_point, subject)
    return _object(read_restore_point, subject, size=seen.size - onprem_backup.BLOCK_BYTES)


@encrypted_file_is_what_was_written.sabotage("the file is not encrypted")
def in_the_clear(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """Leave the file in the clear."""
    _only(subject, *ENCRYPTED)
    return _file(read_restore_point, subject, salted=False)


@encrypted_file_is_what_was_written.sabotage("checksums.json says something else")
def listed_otherwise(read_restore_point: RestorePoint, subject: str) -> RestorePoint:
    """List another digest."""
    _only(subject, *ENCRYPTED)
    seen = _known(read_restore_point, subject)
    return _file(read_restore_point, subject, listed_sha256=other(seen.sha256))


@contract(needs=["read_restore_point"], applies=_is_onprem, controls=["NIST CP-9(1)"])
def encrypted_backup_names_itself(read_restore_point: RestorePoint, criteria: Criteria) -> Finding:
    """The on-prem backup is the one that was asked for, and its database was saved in a way that is known."""
    facts = read_restore_point.facts
    encrypted = facts.encrypted
    if encrypted is None or facts.problem:
        return undecided(f"the metadata cannot be read: {facts.problem or 'nobody looked at it'}")
    asked, named = str(s3_uri.parse(criteria.backup.uri)), facts.metadata_uri.rstrip("/")
    return hold(
        asked in {named, f"{named}/{encrypted.run_id}"} and encrypted.db_mode in onprem_backup.DB_MODES,
        observed={
            "backup_uri": named,
            "run_id": encrypted.run_id,
            "db_mode": encrypted.db_mode,
            "local_paths": [path for path in encrypted.inputs if onprem_backup.is_local(path)],
        },
        expected={"backup_uri": asked, "db_mode": sorted(onprem_backup.DB_MODES)},
        reason="the metadata is that of another backup, or nobody knows how the database in it was saved",
    )


@encrypted_backup_names_itself.sabotage("the metadata has another URI")
def other_uri(read_restore_point: RestorePoint) -> RestorePoint:
    """Name another place."""
    facts = read_restore_point.facts
    return replace(read_restore_point, observed=replace(facts, metadata_uri=f"{facts.metadata_uri}-other"))


@encrypted_backup_names_itself.sabotage("the database was saved in an unknown way")
def other_mode(read_restore_point: RestorePoint) -> RestorePoint:
    """Save the database somehow."""
    return _encrypted(read_restore_point, db_mode="unknown")


def _only(subject: str, *names: str) -> None:
    if subject not in names:
        msg = f"this is said of {', '.join(names)}"
        raise NotApplicableError(msg)


def _known(receipt: RestorePoint, name: str) -> ObjectSeen:
    return {one.name: one for one in receipt.facts.objects}[name]


def _object(receipt: RestorePoint, name: str, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    def changed(seen: ObjectSeen) -> ObjectSeen:
        return replace(seen, **changes) if seen.name == name else seen

    facts = receipt.facts
    return replace(receipt, observed=replace(facts, objects=tuple(map(changed, facts.objects))))


def _encrypted(receipt: RestorePoint, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    facts = receipt.facts
    if facts.encrypted is None:
        msg = "nobody looked into the backup"
        raise NotApplicableError(msg)
    return replace(receipt, observed=replace(facts, encrypted=replace(facts.encrypted, **changes)))


def _file(receipt: RestorePoint, name: str, **changes: Any) -> RestorePoint:  # noqa: ANN401 — fields of one value
    def changed(seen: EncryptedFileSeen) -> EncryptedFileSeen:
        return replace(seen, **changes) if seen.name == name else seen

    encrypted = receipt.facts.encrypted
    return _encrypted(receipt, files=tuple(map(changed, encrypted.files)) if encrypted else ())
