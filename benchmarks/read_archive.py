"""What `one_pass` measures, as a process of its own that imports no more than the reader does.

python benchmarks/read_archive.py ours THREADS FILE
python benchmarks/read_archive.py kept FILE         the listing is kept as evidence too, as the phase keeps it
python benchmarks/read_archive.py tarfile FILE
python benchmarks/read_archive.py s3 THREADS ENDPOINT BUCKET KEY
python benchmarks/read_archive.py boto3 ENDPOINT BUCKET KEY
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drproof.formats.archive import Listing

CHUNK = 1 << 20


def read(chunks: Iterable[bytes], threads: int) -> tuple[str, int, int]:
    """Read as `read_restore_point` does: digest of the object, listing, safe names, digest of every member."""
    sha256, listing = _listed(chunks, threads)
    return sha256, len(listing), listing.size


def _listed(chunks: Iterable[bytes], threads: int) -> tuple[str, "Listing"]:
    from drproof.formats import archive
    from drproof.formats.hashing import Hashed

    listing, hashed = archive.Listing(), Hashed(chunks, threads=threads)
    listing.extend(archive.rows(archive.zstd(hashed), threads=threads))
    hashed.finish()
    if listing.problem:
        sys.exit(listing.problem)
    return hashed.sha256, listing


def read_and_keep(path: str) -> tuple[str, int]:
    """Read an archive, and keep its listing as a file of a bundle: canonical, and looked through for secrets."""
    from drproof.evidence.pieces import keep_by_pieces, pieces
    from drproof.evidence.redaction import Redactor
    from drproof.phases.backup.read_restore_point import read_restore_point

    _, listing = _listed(of_file(path), 1)
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        made = pieces(read_restore_point.keeps["members"], {Path(path).name: listing})
        kept = keep_by_pieces(Path(folder), "evidence/read_restore_point.members.json", made, Redactor(["known"]))
    if not kept.written:
        sys.exit("the listing of this benchmark was withheld")
    return kept.sha256, kept.size


def of_file(path: str) -> Iterator[bytes]:
    """Yield a file as chunks."""
    with Path(path).open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def by_tarfile(path: str) -> tuple[str, int, int]:
    """Do the same with the standard library as one would write it down."""
    import tarfile

    import zstandard

    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    members: dict[str, str] = {}
    size = 0
    with (
        Path(path).open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        for member in tar:
            content = tar.extractfile(member)
            members[member.name] = hashlib.file_digest(content, "sha256").hexdigest() if content else ""  # type: ignore[arg-type]
            size += member.size
            tar.members = []  # type: ignore[attr-defined]
    return digest, len(members), size


def of_store(endpoint: str, bucket: str, key: str) -> Iterator[bytes]:
    """Yield an object as the adapter does."""
    from drproof.targets.aws.s3 import AwsObjectStore
    from drproof.targets.aws.sessions import Session

    keys = {"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "secret_access_key": "secret"}
    session = Session("us-west-2", endpoint=endpoint, credentials=keys)
    return AwsObjectStore(session.client("s3"), owner="111122223333").stream(bucket, key)[1]


def by_boto3(endpoint: str, bucket: str, key: str) -> None:
    """Write an object to stdout with the transfer manager of boto3."""
    import boto3

    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-west-2", aws_access_key_id="AKIA", aws_secret_access_key="secret"
    )
    client.download_fileobj(bucket, key, sys.stdout.buffer)


def main(words: list[str]) -> None:
    """Do what the first word says."""
    match words:
        case ["ours", threads, path]:
            print(*read(of_file(path), int(threads)))
        case ["kept", path]:
            print(*read_and_keep(path))
        case ["tarfile", path]:
            print(*by_tarfile(path))
        case ["s3", threads, endpoint, bucket, key]:
            print(*read(of_store(endpoint, bucket, key), int(threads)))
        case ["boto3", endpoint, bucket, key]:
            by_boto3(endpoint, bucket, key)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
