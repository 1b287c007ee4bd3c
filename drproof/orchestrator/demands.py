"""What an execution demands of its settings: nobody sits beside it who could say what is missing."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drproof import catalog
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import Refusal, refuse
from drproof.engine.settings import read_file, setting
from drproof.model.settings import Settings
from drproof.orchestrator.reaching import over_ssm
from drproof.targets.provisioners.build_order import orders
from drproof.targets.signers import FILE

DECIDED_WITHIN = "24h"
"""How long people may take where the settings do not say; the machine waits as long."""
BUILDS = "codebuild"
SAID_ELSEWHERE = {
    "drill.backup_uri": ("backup_uri", "s3://restore-point/of-the-input"),
    "drill.image_ref": ("image_ref", f"image/of-the-input@sha256:{'0' * 64}"),
}
"""What the input of an execution may name instead of the settings, by which option, and what stands in for it here."""


def options_of(file: Path | None, environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Return the options that every act of an execution runs by, whatever its input says."""
    options: dict[str, Any] = {"teardown": "false", "allow_full_drill": True, **over_ssm(file)}
    if setting("promotion.await_approval", {}, environment, folder) in {0, "0s"}:
        options["await_approval"] = DECIDED_WITHIN
    return options


def refuse_what_is_missing(settings: Settings) -> None:
    """Refuse settings that would do for a drill by pytest, and not for one whose acts share no disk.

    Raises:
        Refusal: something is missing.
    """
    signing, kind = settings.signing, settings.recovery.provisioner.kind
    where = "in the drproof.toml of the function's package"
    for name, is_said, expected, got in (
        ("receipts.uri", settings.storing is not None, "a value", "none"),
        ("recovery.topic_arn", bool(settings.recovery.topic_arn), "a value", "none"),
        ("recovery.provisioner.kind", kind == BUILDS, BUILDS, kind),
    ):
        if not is_said:
            raise refuse(
                f"an execution needs {name}: its receipts are its memory, builds bring its machine up, people decide",
                expected=expected,
                got=got,
                next_step=f"set {name} {where}",
            )
    if not signing.digest_key and not signing.signer.startswith(FILE):
        # Each act would digest the values of Secrets under a key of its own, and refute what was restored well.
        raise refuse(
            "an execution needs receipts.digest_key: what one act digested, another compares",
            expected="awskms: and a key that makes MACs, such as the output digest_key of the Terraform module",
            got="none",
            next_step=f"set receipts.digest_key {where}",
        )


def refuse_what_no_function_runs_by(file: Path, told: Iterable[tuple[str, bytes]]) -> None:
    """Refuse settings by which each act would be refused; `told` is what a package holds of them, by its name there.

    Raises:
        Refusal: they leave out, or name wrongly, what an execution needs; no place was asked.
    """
    said = read_file(file)
    with TemporaryDirectory(prefix="drproof-settings-") as place:
        folder = Path(place).resolve()
        for name, data in told:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        # What this shell says, no function hears.
        environment = {"DRPROOF_TARGET": "aws"}
        options = options_of(file, environment, folder)
        options |= {option: it for path, (option, it) in SAID_ELSEWHERE.items() if path not in said}
        try:
            settings = prepare(
                DrillRequest(plan=catalog.RECOVERY, options=options, environment=environment, directory=folder)
            ).settings
            refuse_what_is_missing(settings)
            _refuse_what_no_build_does(settings)
        except Refusal as exc:
            raise Refusal(str(exc).replace(f"{folder}/", f"{file.parent}/")) from exc
    if settings.signing.signer.startswith(FILE):
        raise refuse(
            f"signing.signer of {file} is a file, and no key lies in a package",
            expected="awskms: and a key that signs, such as the output signer of the Terraform module",
            got=f"{FILE}…",
            next_step=f"set signing.signer in {file}",
        )


def _refuse_what_no_build_does(settings: Settings) -> None:
    site, where = settings.sites.recovery, settings.recovery.provisioner
    try:
        orders(
            where.codebuild,
            account=site.account_id,
            owner=site.owner,
            region=site.region,
            endpoint="",
            lock_table=where.lock_table,
        )
    except ValueError as exc:
        raise Refusal(str(exc)) from exc
