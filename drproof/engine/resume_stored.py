"""Going on with a run whose folder is lost: out of its receipt store, then as from its folder."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drproof import catalog
from drproof.engine import world as worlds
from drproof.engine.at_rest import discard, fetched_at_rest
from drproof.engine.clock import SystemClock
from drproof.engine.conclusion import Conclusion
from drproof.engine.fetching import Fetched
from drproof.engine.keys import TRUST, read_trust
from drproof.engine.patience import Patience
from drproof.engine.places import with_signer
from drproof.engine.refusal import refuse
from drproof.engine.resume import FINISH, UNDO, resume
from drproof.engine.run import Listener
from drproof.engine.settings import EMBEDDED
from drproof.engine.stored_run import StoredRun
from drproof.engine.sweep_asked import sweep_settings
from drproof.evidence.trust import Trust
from drproof.formats import s3_uri
from drproof.model.errors import FormatError, TargetError
from drproof.model.settings import Settings
from drproof.targets import open_target
from drproof.targets.signers import FILE

SCHEME = "s3://"
DIGESTED = "restore"
"""The phase from which on values of Secrets were digested, and are compared with digests of later ones."""


def resume_stored(  # noqa: PLR0913 — who goes on, where, and how it is told
    uri: str,
    reports: Path,
    purpose: str = UNDO,
    *,
    reason: str = "resumed from its store to undo",
    listener: Listener | None = None,
    signer: str = "",
    trust: str = "",
    options: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> Conclusion:
    """Fetch the run under `s3://bucket/prefix/<drill-id>` into `reports`, and go on with it as `resume` does.

    The store is reached by the settings of `drproof.toml` in `folder`, the current one by default. Whose signatures
    count, the trust file says that is named, or that of the settings, or the project's own.

    Raises:
        Refusal: it does not fit, is closed, or cannot be finished here; nothing was done, and no folder is left.
    """
    folder = folder or Path.cwd()
    settings = sweep_settings(dict(options or {}), os.environ, folder)
    believed = _trust(settings, trust, folder)
    try:
        place = s3_uri.parse(uri.rstrip("/"))
    except FormatError as exc:
        raise refuse(
            str(exc), expected="s3://bucket/prefix/<drill-id>", next_step="name the folder of one drill"
        ) from exc
    directory = (reports / place.key.rpartition("/")[2]).resolve()
    with tempfile.TemporaryDirectory(prefix="drproof-fetch-") as private:
        world = worlds.given(os.environ) if settings.target == EMBEDDED else ""
        try:
            endpoint = worlds.again(world).endpoint if world else None
            target = open_target(settings, endpoint, directory=Path(private), origin="")
            stored = StoredRun.at(uri, target.receipts, believed, Patience(settings.limits, SystemClock()))
            refuse_a_closed_one(stored)
            fetched = fetched_at_rest(stored, directory, target)
        except TargetError as exc:
            raise refuse(f"{uri} cannot be fetched: {exc}", next_step="run the same command again") from exc
    if purpose == FINISH:
        refuse_to_finish(fetched)
    return resume(directory, purpose, reason=reason, listener=listener, signer=signer)


def _trust(settings: Settings, named: str, folder: Path) -> Trust:
    """Return whose signatures count.

    Raises:
        Refusal: nobody says.
    """
    path = Path(named or settings.signing.trust)
    if not named and not settings.signing.trust:
        own = with_signer(settings, catalog.plan(catalog.HEALTH), folder).signing.signer
        path = Path(own.removeprefix(FILE)).with_name(TRUST) if own.startswith(FILE) else Path()
    if not path.is_file():
        raise refuse(
            "nobody says whose signatures count, and whoever can write to a bucket could have a machine torn down",
            expected="--trust FILE, or signing.trust in drproof.toml",
            got=str(path) if path != Path() else "neither",
            next_step="name the trust file of whoever runs the drills, .drproof/trust.json for rehearsals",
        )
    return read_trust(path)


def refuse_a_closed_one(stored: StoredRun) -> None:
    """Refuse a run that is sealed; that it is, a trusted key must say, of this very drill.

    Raises:
        Refusal: it is, or what lies there as its closing is none.
    """
    if stored.is_closed:
        stored.closing()
        raise refuse(f"{stored.uri} is closed: there is nothing to resume", next_step="drproof verify, on a copy of it")


def refuse_to_finish(fetched: Fetched) -> None:
    """Refuse to finish what can only be undone: an execution, and digests that were made under a key that is lost.

    Raises:
        Refusal: it is one of them; no folder is left.
    """
    directory = fetched.bundle.directory
    undo = "undo it: the same command without --finish"
    if arn := fetched.bundle.plan.criteria.approval.execution_arn:
        discard(directory)
        raise refuse(
            f"{directory.name} is an execution: a decision about it counts only where its machine waits for one",
            expected="a drill that pytest ran",
            got=arn,
            next_step=f"{undo}; then drproof trigger, which begins another",
        )
    if fetched.has_its_key or DIGESTED not in {receipt.phase for receipt in fetched.bundle.receipts}:
        return
    discard(directory)
    raise refuse(
        f"the values of Secrets of {directory.name} were digested under a key that only the lost machine had",
        expected="receipts.digest_key, or a signer that is a file, when the drill begins",
        got="neither of them here: what is in the cluster cannot be compared any more",
        next_step=undo,
    )
