"""What the reading of a restore point does not show: nobody promised it, nobody could see it, nothing keeps it."""

from collections.abc import Iterator, Mapping
from typing import Any

from drproof.evidence.bundle import Bundle
from drproof.report import facts

Missing = tuple[str, str, tuple[str, ...]]


def missing(bundle: Bundle) -> Iterator[Missing]:
    """Yield what is not shown of the restore point: what, why, and of which parts."""
    seen = facts.observed(facts.by_phase(bundle).get("read_restore_point"))
    yield from _of_the_members(seen)
    yield from _of_the_encryption(seen)
    yield from _of_the_keeping(seen)


def _of_the_members(seen: Mapping[str, Any]) -> Iterator[Missing]:
    archives = facts.rows(seen, "archives")
    promised = {facts.text(row, "archive") for row in facts.rows(seen, "members")}
    names = tuple(facts.text(row, "name") for row in archives)
    if unpromised := tuple(name for name in names if name not in promised):
        why = "Member digests were not promised by anyone. Archives whose files were hashed, and compared with nothing:"
        yield "That the archives hold what was to be backed up.", why, unpromised
    if unchecked := tuple(
        facts.text(row, "name") for row in archives if row.get("frames") != row.get("checksummed_frames")
    ):
        why = "Their compression carries no checksum; only the digest in the metadata would tell. Archives:"
        yield "That a reader of the archives would notice a flipped bit.", why, unchecked


def _of_the_encryption(seen: Mapping[str, Any]) -> Iterator[Missing]:
    encrypted = seen.get("encrypted")
    if not isinstance(encrypted, dict):
        return
    names = tuple(facts.text(row, "name") for row in facts.rows(encrypted, "files"))
    why = "Nobody had the key. At best their integrity is shown, never that they can be decrypted or restored:"
    yield "What the encrypted files hold.", why, names
    if inputs := facts.names(encrypted, "inputs"):
        yield "Where the backup can be restored to.", "It names paths of the machine that was backed up:", inputs


def _of_the_keeping(seen: Mapping[str, Any]) -> Iterator[Missing]:
    looks = facts.rows(seen, "looks")
    if looks and not any(facts.text(row, "version") for row in looks):
        yield "That an object written over can be had back.", "The bucket of the restore point keeps no versions.", ()
    backup = next((row for row in facts.rows(seen, "buckets") if row.get("role") == "backup"), None)
    if backup is not None and backup.get("status") == "ok" and backup.get("object_lock") != "enabled":
        why = f"Object Lock of bucket {facts.text(backup, 'name')}: {facts.text(backup, 'object_lock')}."
        yield "That nobody can remove the restore point.", why, ()
