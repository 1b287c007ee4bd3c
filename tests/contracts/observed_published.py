"""A published run as the phase that reads it observes it: whole, as promised, and what all pointers name."""

import hashlib

from drproof.model.criteria import Published
from drproof.phases.published.observed import ObjectRead, PointerRead, PublishedRunObserved, ReportRead

RUN = "2026-01-31T10:49:00.000000+00:00"
RUN_PATH = f"atlas/runs/{RUN}"
ENDED = "2026-01-31T11:00:00.000000+00:00"
FILES = {"ranked_json": "jobs.cs.json", "top_md": "top.cs.md"}
PUBLISHED = Published(prefix="atlas", provider="openai", profile="cs", outputs=tuple(FILES), marker=FILES["top_md"])


def _read(name: str, key: str, output: str, *, promised: bool) -> ObjectRead:
    sha256 = hashlib.sha256(output.encode()).hexdigest()
    return ObjectRead(
        name=name,
        key=key,
        status="ok",
        size=len(output),
        sha256=sha256,
        kept_sha256=sha256 if output == "ranked_json" else "",
        etag="etag",
        promised=promised,
        promised_size=len(output) if promised else None,
        promised_sha256=sha256 if promised else "",
    )


PUBLISHED_RUN = PublishedRunObserved(
    bucket="atlas-primary",
    run_id=RUN,
    run_path=RUN_PATH,
    pointers=tuple(
        PointerRead(
            label=label,
            key=f"atlas/state/{label}.json",
            status="ok",
            run_id=RUN,
            run_path=RUN_PATH,
            ended_at=ENDED,
            providers=("openai", "other"),
            profiles=("cs", "other"),
            provider_profiles={"openai:cs": RUN, "other:cs": "another"},
            objects=3,
        )
        for label in ("global", "provider")
    ),
    report=ReportRead(key=f"{RUN_PATH}/run_report.json", status="ok", run_id=RUN, ended_at="2026-01-31T11:00:00Z"),
    objects=(
        *(
            _read(f"openai:cs:{output}", f"{RUN_PATH}/openai/cs/{file}", output, promised=True)
            for output, file in FILES.items()
        ),
        _read("other:cs:ranked_json", f"{RUN_PATH}/other/cs/jobs.cs.json", "of another provider", promised=True),
    ),
    latest=tuple(
        _read(output, f"atlas/latest/openai/cs/{file}", output, promised=False) for output, file in FILES.items()
    ),
)
