"""Every table of untrusted bytes under the Python that runs this: its verdicts, what they cost, and what was touched.

python -m tests.formats.tables        prints {table: {case: verdict}} and the measures as JSON
python -m tests.formats.tables --all  the same under every supported Python of this machine, and compares
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from drproof.evidence.canonical import canonical_value
from drproof.formats import archive, strict_json, strict_yaml, timestamps
from drproof.model.errors import EvidenceError
from tests.formats import hostile_archives as hostile
from tests.formats.archives import chunks, compressed, gzipped

HERE = Path(__file__).parent
SUITE = HERE / "json_test_suite"
CASES_OF_YAML = HERE / "yaml_cases"
CASES_OF_TIME = HERE / "timestamp_cases.json"
STEP = 4_096
ADDRESS_SPACE = 1 << 30
WRITES = frozenset({"os.mkdir", "os.symlink", "os.link", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.chown"})
Verdicts = dict[str, dict[str, str]]


def archive_cases() -> Iterator[tuple[str, Callable[[], Iterable[bytes]], str]]:
    """Yield each hostile archive as a stream of a tar, with the verdict that is pinned."""
    for name, (make, verdict) in hostile.TARS.items():
        yield f"tar/{name}", partial(_plain, make), verdict
        yield f"tar.zst/{name}", partial(_in_zstd, make), verdict
        yield f"tar.gz/{name}", partial(_in_gzip, make), verdict
    for name, (pack, verdict) in hostile.ZSTDS.items():
        yield f"zstd/{name}", partial(_unpacked, archive.zstd, pack), verdict
    for name, (pack, verdict) in hostile.GZIPS.items():
        yield f"gzip/{name}", partial(_unpacked, archive.gzip, pack), verdict


def _plain(make: Callable[[], bytes]) -> Iterable[bytes]:
    return chunks(make(), STEP)


def _in_zstd(make: Callable[[], bytes]) -> Iterable[bytes]:
    return archive.zstd(chunks(compressed(make()), STEP))


def _in_gzip(make: Callable[[], bytes]) -> Iterable[bytes]:
    return archive.gzip(chunks(gzipped(make()), STEP))


def _unpacked(
    unpack: Callable[[Iterable[bytes]], Iterable[bytes]], pack: Callable[[], Iterable[bytes]]
) -> Iterable[bytes]:
    return unpack(pack())


def of_archive(stream: Iterable[bytes]) -> str:
    """Return what the reader says of an archive as the control plane's bundle is read."""
    seen: set[str] = set()
    problem = ""
    for member in archive.read(stream, limits=archive.SMALL):
        problem = problem or archive.problem_of(member, seen, portable=True)
    return problem or "sound"


def json_files() -> list[Path]:
    """Return the cases of JSONTestSuite (MIT, beside its LICENSE)."""
    return sorted([*SUITE.glob("test_parsing/*.json"), *SUITE.glob("test_transform/*.json")])


def verdict_of(read: Callable[[], object]) -> str:
    """Return a stable code, or `read`."""
    try:
        said = read()
    except EvidenceError as exc:
        return exc.code
    return said if isinstance(said, str) else "read"


def _listed(read: Callable[[bytes], object], path: Path) -> list[object]:
    return [read(path.read_bytes())]


def _shown(read: Callable[[object], datetime], text: object) -> str:
    return read(text).isoformat()


def _json(read: Callable[[bytes], Any]) -> dict[str, str]:
    return {path.name: verdict_of(partial(_listed, read, path)) for path in json_files()}


def _yaml(loader: type) -> dict[str, str]:
    kept, strict_yaml.LOADER = strict_yaml.LOADER, loader
    try:
        return {
            f"{path.parent.name}/{path.stem}": verdict_of(partial(_listed, strict_yaml.parse, path))
            for path in sorted(CASES_OF_YAML.rglob("*.yaml"))
        }
    finally:
        strict_yaml.LOADER = kept


def _time(read: Callable[[object], datetime]) -> dict[str, str]:
    rows = json.loads(CASES_OF_TIME.read_bytes())
    return {name: verdict_of(partial(_shown, read, row["text"])) for name, row in rows.items()}


def verdicts() -> Verdicts:
    """Return the verdicts on documents."""
    return {
        "json": _json(strict_json.parse),
        "json with fractions": _json(lambda data: strict_json.parse(data, fractions=True)),
        "canonical json": _json(canonical_value),
        "yaml by libyaml": _yaml(getattr(yaml, "CSafeLoader", yaml.SafeLoader)),
        "yaml by python": _yaml(yaml.SafeLoader),
        "instants of evidence": _time(timestamps.parse_evidence),
        "instants of others": _time(timestamps.parse),
    }


def measured() -> dict[str, Any]:
    """Return the verdicts, the slowest archive, the most memory held, and whatever was written meanwhile."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    touched: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WRITES or (event == "open" and set(str(arguments[1])) & set("wax+")):
            touched.append(f"{event} {arguments[0]!r}")

    sys.addaudithook(watch)
    seconds: dict[str, float] = {}
    said: dict[str, str] = {}
    for name, make, _ in archive_cases():
        stream = make()
        began = time.process_time()
        said[name] = verdict_of(partial(of_archive, stream))
        seconds[name] = time.process_time() - began
    slowest = max(seconds, key=lambda name: seconds[name])
    return {
        "python": sys.version.split()[0],
        "verdicts": {"archive": said, **verdicts()},
        "slowest": [slowest, round(seconds[slowest], 3)],
        "peak_bytes": peak_bytes(),
        "touched": touched,
    }


def peak_bytes() -> int:
    """Return the most memory that this program has held; `ru_maxrss` still knows the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    if "--all" in sys.argv[1:]:
        from tests.formats.pythons import main

        sys.exit(main())
    json.dump(measured(), sys.stdout)
