"""An execution as files: what the platform keeps of it, read to the last page and projected field by field.

The folder is what `drproof collect` and `orchestrator-check` read; no task token and nothing like a secret is in it.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from drproof.analysis.machine.acts import SEAL
from drproof.engine.clock import SystemClock, instant
from drproof.engine.criteria import settings_of
from drproof.engine.opening import assert_sites
from drproof.engine.places import rooted
from drproof.engine.refusal import refuse
from drproof.engine.settings import EMBEDDED, find_file, resolve, setting
from drproof.evidence.canonical import digest
from drproof.evidence.exported import Export
from drproof.evidence.redaction import Redactor
from drproof.formats import s3_uri, secret_shapes, strict_json, timestamps
from drproof.formats.s3_uri import S3Uri
from drproof.model.codec import encode
from drproof.model.collection import Collection, HandedFile
from drproof.model.errors import FormatError, NotFoundError
from drproof.model.settings import Settings
from drproof.model.workflows import ExecutionInfo
from drproof.targets import open_target
from drproof.targets.aws.codebuild import AwsBuilds, BuildSeen
from drproof.targets.sites import AwsTarget

NEEDED = ("target", "sites.recovery.account_id", "sites.recovery.region")
KIND = "drproof_export"
PARTS = 8
"""`arn:aws:states:<region>:<account>:execution:<machine>:<name>`."""
OWN = re.compile(r"(history|description|definition|alarm-\d+|triggers|builds|logs|listing|export)\.json")
"""The files of an export that are no receipts: an object of the store by such a name is not what the platform said."""
LEAD = timedelta(hours=1)
"""How long before and after an execution its alarms are asked for."""
LATE = timedelta(minutes=15)
"""How long after the end of an execution its function may still print: a call that nobody waits for is not ended."""
MOST_LINES = 5_000
"""Of what a function printed, the last ones; how many are left out is said."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An execution, exported."""

    collection: Collection
    masked: tuple[Mapping[str, str], ...]
    """Where in the files something like a secret was masked."""
    mode: str


def export_settings(
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    directory: Path,
    *,
    arn: str = "",
    embedded: bool = False,
) -> Settings:
    """Return the settings of the site that executions run at; what nobody says of it is as the ARN has it.

    Raises:
        Refusal: one of them is missing or wrong.
    """
    if arn:
        options = {**_as_the_arn_has_it(arn, options, environment, directory, embedded=embedded), **options}
    resolved = resolve(options, environment, find_file(directory), needed=NEEDED, directory=directory)
    return rooted(settings_of(resolved, no_retry=False), directory)


def _as_the_arn_has_it(
    arn: str, options: Mapping[str, Any], environment: Mapping[str, str], directory: Path, *, embedded: bool
) -> dict[str, str]:
    """Return what nobody says of the site; an embedded world says the rest of itself."""
    parts = _parts_of(arn)

    def said(path: str) -> str:
        return str(setting(path, options, environment, directory) or "")

    target = said("target") or (EMBEDDED if embedded else "aws")
    rows = (
        ("expected_account_id", "sites.recovery.account_id", parts[4]),
        ("region", "sites.recovery.region", parts[3]),
    )
    told = {option: value for option, path, value in rows if target != EMBEDDED and not said(path)}
    return {"target": target, **told}


def export(arn: str, settings: Settings, endpoint: str = "") -> Exported:
    """Return the files of an execution; nothing is written.

    Raises:
        Refusal: the ARN is none, or of another account or region than the settings'.
        GuardError: we are not who the settings expect.
        NotFoundError: there is no such execution, or no longer.
    """
    _refuse_another_place(arn, settings)
    with tempfile.TemporaryDirectory(prefix="drproof-export-") as private:
        target = open_target(settings, endpoint or None, directory=Path(private), origin="")
        assert_sites(target, settings.sites, sides=("recovery",))
        return _Exporter(target, settings, arn).files()


def _refuse_another_place(arn: str, settings: Settings) -> None:
    parts, site = _parts_of(arn), settings.sites.recovery
    if (parts[4], parts[3]) != (site.account_id, site.region):
        raise refuse(
            "--execution-arn is of another place than the settings",
            expected=f"account {site.account_id} in {site.region}",
            got=f"account {parts[4]} in {parts[3]}",
            next_step="mend sites.recovery in drproof.toml, or the ARN",
        )


def _parts_of(arn: str) -> list[str]:
    parts = arn.split(":")
    if len(parts) < PARTS or parts[2] != "states" or parts[5] != "execution":
        raise refuse(
            "--execution-arn names no execution",
            expected="arn:aws:states:<region>:<account>:execution:<machine>:<name>",
            got=arn,
            next_step="aws stepfunctions list-executions --region <region> --state-machine-arn <machine>",
        )
    return parts


class _Exporter:
    """One export under way."""

    def __init__(self, target: AwsTarget, settings: Settings, arn: str) -> None:
        self._target, self._settings, self._arn = target, settings, arn
        self._site = target.recovery
        self._export = Export(Redactor(target.secrets))

    def files(self) -> Exported:
        info = self._site.workflows.execution(self._arn)
        events = self._site.workflows.history(self._arn)
        told = [row for event in events for row in _answers(event)]
        documents: dict[str, Any] = {
            "history": {"events": [self._export.event(event) for event in events]},
            "description": self._description(info),
            "definition": self._definition(),
            **self._alarms(info),
            **self._triggers(),
            **self._builds(info, told),
        }
        if printed := self._printed(info, events):
            documents.setdefault("logs", {"logs": []})["logs"] += printed
        receipts, listing = self._receipts(told)
        if listing:
            documents["listing"] = {"Versions": listing}
        mode = "rehearsal" if self._settings.target == EMBEDDED else "live"
        documents["export"] = {
            "schema_version": 1,
            "kind": KIND,
            "execution": self._arn,
            "mode": mode,
            "exported_at": SystemClock().now(),
            "caller": encode(self._site.identity.caller()),
            "masked": self._export.masked,
        }
        files = receipts | {f"{name}.json": _bytes(content) for name, content in documents.items()}
        kept = tuple(HandedFile(name=name, data=data) for name, data in sorted(files.items()))
        return Exported(Collection(files=kept, source=self._arn), tuple(self._export.masked), mode)

    def _description(self, info: ExecutionInfo) -> dict[str, Any]:
        told: dict[str, Any] = {
            "executionArn": info.arn,
            "name": info.name,
            "stateMachineArn": info.machine,
            "status": info.status,
            "startDate": info.started_at,
            "input": self._export.document(info.input),
        }
        if info.stopped_at:
            told["stopDate"] = info.stopped_at
        if info.output:
            told["output"] = self._export.document(info.output)
        if info.error:
            told |= {"error": self._export.error(info.error), "cause": self._export.cause(info.cause)}
        return told

    def _definition(self) -> dict[str, Any]:
        found = self._site.workflows.machine_of(self._arn)
        return {
            "stateMachineArn": found.arn,
            "name": found.name,
            "roleArn": found.role,
            "definition": self._export.document(found.definition),
        }

    def _alarms(self, info: ExecutionInfo) -> dict[str, Any]:
        """Return the history of each alarm that the settings name, around the execution; of one without any, none."""
        named = dict.fromkeys((*self._settings.primary.alarms, *self._settings.triggers.alarms))
        since = timestamps.parse(info.started_at) - LEAD
        until = timestamps.parse(info.stopped_at or SystemClock().now()) + LEAD
        found: dict[str, Any] = {}
        for number, name in enumerate(named, start=1):
            at = self._target.primary if name in self._settings.primary.alarms else self._site
            items = at.alarms.history(name, since=since.isoformat(), until=until.isoformat())
            changes = [self._change(item) for item in items if item.get("HistoryItemType") == "StateUpdate"]
            if changes:
                found[f"alarm-{number}"] = {"AlarmHistoryItems": changes}
        return found

    def _change(self, item: Mapping[str, Any]) -> dict[str, Any]:
        names = ("AlarmName", "Timestamp", "HistoryItemType", "HistorySummary")
        kept = {name: item[name] for name in names if name in item}
        if isinstance(item.get("HistoryData"), str) and item["HistoryData"]:
            kept["HistoryData"] = self._export.document(item["HistoryData"])
        return kept

    def _triggers(self) -> dict[str, Any]:
        """Return what may start executions by themselves, and whether it does now."""
        named = self._settings.triggers
        if not named.rules and not named.alarms:
            return {}
        at = self._target.primary if named.site == "primary" else self._site
        rules, alarms = at.readiness.triggers.rules(named.rules), at.alarms.rules(named.alarms)
        rows = [{"name": f"rule {name}", "state": rules.get(name, "ABSENT")} for name in named.rules]
        for name in named.alarms:
            state = "ABSENT" if name not in alarms else "ENABLED" if alarms[name].actions_enabled else "DISABLED"
            rows.append({"name": f"alarm {name}", "state": state})
        return {"triggers": {"triggers": rows}}

    def _builds(self, info: ExecutionInfo, told: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the builds that the execution started, and those that were started for it since."""
        ids = {str(row["Build"].get("Id", "")) for row in told if isinstance(row.get("Build"), dict)} - {""}
        ids |= {str(row["build_id"]) for row in told if isinstance(row.get("build_id"), str)}
        projects = {one.partition(":")[0] for one in ids} | {self._settings.recovery.provisioner.codebuild.project}
        found: dict[str, BuildSeen] = {}
        for project in sorted(projects - {""}):
            builds = self._site.builds(project)
            for build in builds.newest():
                if build.build_id in ids or build.variables.get("EXECUTION_ID") == info.name:
                    found[build.build_id] = build
            for one in sorted(ids - found.keys()):
                if one.startswith(f"{project}:"):
                    found |= _one(builds, one)
        if not found:
            return {}
        ordered = sorted(found.values(), key=lambda build: build.started_at)
        return {
            "builds": {"builds": [self._build(build) for build in ordered]},
            "logs": {"logs": [self._log(build) for build in ordered]},
        }

    def _build(self, build: BuildSeen) -> dict[str, Any]:
        return {
            "id": build.build_id,
            "project": build.build_id.partition(":")[0],
            "status": build.status,
            "action": build.variables.get("ACTION", ""),
            "execution": build.variables.get("EXECUTION_ID", ""),
            "started_at": build.started_at,
            "ended_at": build.ended_at,
            "failed_phase": build.failed_phase,
            "cause": self._export.words(build.cause),
        }

    def _log(self, build: BuildSeen) -> dict[str, Any]:
        builds = self._site.builds(build.build_id.partition(":")[0])
        return {"build": build.build_id, "lines": [self._export.words(line) for line in builds.tail(build)]}

    def _printed(self, info: ExecutionInfo, events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what each function printed while the execution ran; of one that nobody keeps logs of, nothing."""
        asked = [_asked(event) for event in events]
        functions = sorted({name for one in asked if isinstance(name := one.get("FunctionName"), str)})
        # Whatever a function printed of it: a token need not look like one.
        redactor = Redactor((*self._target.secrets, *(token for one in asked for token in _tokens(one))))
        until = timestamps.parse(info.stopped_at or SystemClock().now()) + LATE
        found = []
        for function in functions:
            try:
                lines = self._site.function_logs.printed(function, since=info.started_at, until=instant(until))
            except NotFoundError:
                continue
            kept = lines[-MOST_LINES:]
            # Redacted as one text: a secret may be cut in two by the end of a line.
            told = redactor.redact("\n".join(kept), record=False).splitlines()
            found.append({"function": function, "lines": told, "left_out": len(lines) - len(kept)})
        return found

    def _receipts(self, told: Iterable[Mapping[str, Any]]) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
        """Return what lies in the folders that the history names, and their listing with versions."""
        folders = sorted({(place.bucket, place.key.rpartition("/")[0]) for place in _places(told)})
        files: dict[str, bytes] = {}
        listing = []
        for bucket, folder in folders:
            for one in self._site.objects.list(bucket, f"{folder}/"):
                name = one.key.removeprefix(f"{folder}/")
                if "/" in name or not name.endswith(".json"):
                    continue
                found = self._target.receipts.look(bucket, one.key)
                if name in files or OWN.fullmatch(name):
                    name = f"{digest(f'{bucket}/{one.key}'.encode())[:12]}-{name}"
                files[name] = self._export.file(name, found.body)
                listing.append(
                    {
                        "Key": one.key,
                        "VersionId": found.version or "null",
                        "IsLatest": True,
                        "Size": len(found.body),
                        "ETag": f'"{found.etag}"',
                        "LastModified": one.modified_at,
                    }
                )
        return files, listing


def _one(builds: AwsBuilds, build_id: str) -> dict[str, BuildSeen]:
    try:
        return {build_id: builds.get(build_id)}
    except NotFoundError:
        # CodeBuild forgets builds before Step Functions forgets executions.
        return {}


def _asked(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an event says that a task was called with; empty where it says nothing."""
    details = event.get("taskScheduledEventDetails")
    text = details.get("parameters") if isinstance(details, dict) else None
    try:
        asked = strict_json.parse(text.encode(), fractions=True) if isinstance(text, str) else {}
    except FormatError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _tokens(asked: Mapping[str, Any]) -> Iterator[str]:
    payload = asked.get("Payload")
    for name, value in payload.items() if isinstance(payload, dict) else ():
        if name.lower() in secret_shapes.TOKEN_NAMES and isinstance(value, str):
            yield value


def _answers(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what tasks answered in an event: itself, and what a function returned."""
    for name, details in event.items():
        text = details.get("output") if name.endswith("EventDetails") and isinstance(details, dict) else None
        if not isinstance(text, str):
            continue
        try:
            value = strict_json.parse(text.encode(), fractions=True)
        except FormatError:
            continue
        for one in (value, value.get("Payload") if isinstance(value, dict) else None):
            if isinstance(one, dict):
                yield one


def _places(told: Iterable[Mapping[str, Any]]) -> Iterator[S3Uri]:
    for row in told:
        if row.get("phase") == SEAL:
            # It answers with the closing: the files of a bundle are judged as a bundle.
            continue
        for name in ("receipt", "receipt_uri"):
            if isinstance(row.get(name), str) and row[name].startswith("s3://"):
                try:
                    yield s3_uri.parse(row[name])
                except FormatError:
                    continue


def _bytes(content: object) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
