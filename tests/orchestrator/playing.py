"""Executions with the real function out of its package: each is played to its end once, and keeps what it left behind."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from drproof.cli.errors import MISUSED
from drproof.engine.export import export, export_settings
from drproof.engine.export_folder import write
from drproof.engine.orchestrated import Asked, check
from drproof.orchestrator import definition, package
from drproof.targets import embedded
from drproof.targets.signers import make_key
from tests.drill.conftest import Drill, Operator
from tests.drill.shared import Shelf
from tests.drill.test_decided import Terminal
from tests.drill.test_lock_held import lock_as_somebody_else
from tests.orchestrator import resuming
from tests.orchestrator.acting import BUCKET, PREFIX, Machine, machine
from tests.orchestrator.acting import SETTINGS as SHORT
from tests.orchestrator.searching import places_with
from tests.orchestrator.test_package import HERE
from tests.patience import until

FUNCTION, WATCHER, NAME = "drproof-orchestrator", "drproof-watcher", "played"
OLGA = "arn:aws:sts::444455556666:assumed-role/operator/olga"
TABLE = Path(__file__).with_name("whole_ends.toml")
HOLDER = "at-work"
"""The execution that holds the target, where a row wants one."""
NONE = "no token"
TOLD, EXPORTED = "told.json", "exported"
PRINTED = "what was asked with it:"
STATES = "atlas-dr-tfstate"
SETTINGS = SHORT.replace('lease = "3s"', 'lease = "10m"')
"""No act dies here, so that nobody has to wait until a lease has run out: however busy the machine is, it holds."""
WITHOUT_STATE = "direct"
"""The tool of builds that know of no state, and of no lock."""
PATIENT = 900
"""Seconds for the calls of an execution on a machine that does other things as well."""
SELDOM = 0.25
"""Seconds between two looks at an execution: each is a call or two, which its world answers instead of the function's."""
ACTS = frozenset(definition.state_of(phase.name) for phase in definition.phases()) - {"Bringup"}
"""The states that a function works in, which nobody ends with an execution."""
COMMANDS = {"approves": "approve", "rejects": "reject"}
SILENT = "is silent"
"""What people do that leaves the question unanswered."""
Row = Mapping[str, Any]


def rows() -> dict[str, dict[str, Any]]:
    """Return every end by its name."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def settings_of(row: Row) -> str:
    """Return the settings of an end."""
    tool = row.get("tool", WITHOUT_STATE)
    return SETTINGS.replace(f'tool = "{WITHOUT_STATE}"', f'tool = "{tool}"') + str(row.get("settings", ""))


def table() -> str:
    """Return the ends as the page of the docs has them."""
    head = "| what happens | status | the first phase that did not pass | who tells people | the bundle |\n|---|---|---|---|---|\n"
    return head + "".join(map(_line, rows().values()))


def _line(row: Row) -> str:
    phase, outcome, cause = row.get("stops", ("", "", ""))
    stopped = {"": "none", "*": "whichever it is in"}.get(phase, f"`{phase}`")
    how = f" {outcome.replace('_', ' ')}" + (f" ({cause})" if cause else "") if outcome else ""
    sealed = row["sealed"] or f"not sealed; {row['resumed']} once it is resumed"
    return f"| {row['says']} | {row['status']} | {stopped}{how} | {row['teller']} | {sealed} |\n"


def token_of(history: list[dict[str, Any]]) -> str:
    """Return the token that people were last asked with, NONE where nobody was."""
    asked = [event["taskScheduledEventDetails"]["parameters"] for event in history if event["type"] == "TaskScheduled"]
    payloads = [json.loads(one).get("Payload", {}) for one in asked]
    return next((str(one["task_token"]) for one in reversed(payloads) if "task_token" in one), NONE)


def ended(shelf: Shelf, name: str) -> "Ended":
    """Return an end, played where nobody has yet."""
    row = rows()[name]
    packed = unpacked(shelf)
    return Ended(row, shelf.drill(f"end-{name}", lambda folder: _Stage(row, folder, packed).play()), shelf, name)


def unpacked(shelf: Shelf) -> Path:
    """Return the folder with the package, its zip beside it: built once, with what Python compiles of it."""
    made = shelf.drill("package", _package)
    assert made.directory is not None
    return made.directory


def _package(folder: Path) -> Drill:
    settings = folder / "drproof.toml"
    settings.write_text(SETTINGS)
    built = package.build(folder / "functions.zip", settings, architecture=HERE, installed=True)
    inside = folder / "unpacked"
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(inside)
    # What a function imports is compiled here, once for every world.
    code = "import drproof.orchestrator.handler, drproof.orchestrator.watcher, drproof.targets.sites, boto3, botocore"
    alone = {"PYTHONPATH": str(inside), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-S", "-c", code], env=alone, cwd=inside, check=True)
    return Drill(0, "", inside)


@dataclass(frozen=True)
class Ended:
    """An execution that has ended, and what it left behind."""

    row: Row
    drill: Drill
    shelf: Shelf
    name: str

    @property
    def folder(self) -> Path:
        """Everything of it."""
        return self.shelf.place / f"end-{self.name}"

    @cached_property
    def told(self) -> dict[str, Any]:
        """What was seen while its world lived."""
        found: dict[str, Any] = json.loads((self.folder / TOLD).read_text(encoding="utf-8"))
        return found

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """What people were told, in order."""
        return [json.loads(one["message"]) for one in self.told["mails"]]

    def entered(self) -> list[str]:
        """Return the states, in order."""
        found = (event.get("stateEnteredEventDetails", {}).get("name") for event in self.told["history"])
        return [name for name in found if name]

    def failures(self) -> str:
        """Return what failed, for people."""
        bad = ("Failed", "TimedOut", "Aborted")
        return "\n".join(str(event) for event in self.told["history"] if event["type"].endswith(bad))


class _Stage:
    """One world with machine, function and watcher, and the one execution that is played in it."""

    def __init__(self, row: Row, folder: Path, packed: Path) -> None:
        self.row, self.folder, self.packed = row, folder, packed

    def play(self) -> Drill:
        """Play the execution to its end, and keep what it left behind."""
        row = self.row
        more, forced = str(row.get("settings", "")), bool(row.get("forced", True))
        with machine(self.folder, NAME, scenario=row.get("scenario", "none"), forced=forced, more=more) as self.played:
            (self.played.package / "drproof.toml").write_text(settings_of(row))
            for rule in row.get("faults", ()):
                self._world("POST", "faults", rule)
            self.states = self.played.client("stepfunctions")
            arn, found = self._run()
            bundle = self.folder / "reports" / NAME
            if row["sealed"]:
                Machine(self.played.world, self.played.package, NAME, arn_given=arn).bundle(bundle)
            (self.folder / TOLD).write_text(json.dumps(found, default=str), encoding="utf-8")
            shutil.copytree(self.played.package / ".drproof", self.folder / ".drproof")
            return Drill(0, "", bundle if row["sealed"] else None)

    def _run(self) -> tuple[str, dict[str, Any]]:
        machine_arn = self._deployed()
        if self.row.get("held"):
            self._hold()
        asks = self.row.get("requested_by", OLGA)
        said = {"force_run": self.row.get("forced", True), "requested_by": asks, "reason": "a rehearsal"}
        arn = str(
            self.states.start_execution(stateMachineArn=machine_arn, name=NAME, input=json.dumps(said))["executionArn"]
        )
        person = self.row.get("person", "")
        self.shown = ""
        if state := self.row.get("stopped"):
            until(self._has_struck, PATIENT, every=SELDOM)
            assert state == self._state(arn)
            self.states.stop_execution(executionArn=arn, error="Operator", cause="wrong day")
        elif person != SILENT:
            # An end in which nobody is to be asked must not wait a day for whoever is asked all the same.
            token = until(lambda: self._token(arn), PATIENT, every=SELDOM)
            if token != NONE:
                self._decide(arn, person, token)
        until(lambda: self._seen(arn)["status"] != "RUNNING", PATIENT, every=SELDOM)
        early = self._resumed() if self.row.get("stopped") in ACTS else None
        if "resumed" in self.row:
            # An act goes on to its end, whatever became of its execution.
            until(lambda: (self.played.lease() or {"parked": True})["parked"], PATIENT, every=SELDOM)
        found: dict[str, Any] = {"arn": arn, "described": self._seen(arn), "history": self._history(arn)}
        if self.row.get("mended"):
            self._world("DELETE", "faults")
        found["watcher"] = self._watched(arn, found["described"]["status"])
        found |= {
            "receipts": self._receipts(),
            "mails": self.played.mails(),
            "lease": self.played.lease(),
            "machines": [one["id"] for one in self.played.world.inventory()["instances"]],
        }
        # The operator's own acts come after: they are nobody's of these.
        found["asked"] = self._asked()
        if self.row.get("locked"):
            lock_as_somebody_else(self.played.world)
        found["torn down"] = [self._torn_down(arn) for _ in range(self.row.get("teardowns", 0))]
        found["token printed"] = token = token_of(found["history"])
        if token != NONE:
            found["token kept"] = self._kept(token, found)
            self._print(token)
        found["live"] = self._exported(arn)
        if "resumed" in self.row:
            found |= {"too early": early, "resumed": self._resumed()}
        return arn, found

    def _asked(self) -> list[dict[str, str]]:
        """Return what was asked of the platform so far, for whom: each question once."""
        told = ("app", "service", "action", "path")
        # Of a path nothing is told but of Lambda, whose calls are known by it.
        rows = {
            tuple(call[name] if name != "path" or call["service"] == "lambda" else "" for name in told)
            for call in self.played.world.calls()
        }
        return [dict(zip(told, row, strict=True)) for row in sorted(rows)]

    def _hold(self) -> None:
        """Have another execution take the target, and go on running."""
        waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": PATIENT, "End": True}}}
        made = self.states.create_state_machine(name="another", definition=json.dumps(waits), roleArn=self.role)
        began = self.states.start_execution(stateMachineArn=made["stateMachineArn"], name=HOLDER, input="{}")
        holder = Machine(self.played.world, self.played.package, HOLDER, arn_given=began["executionArn"])
        assert holder.act("check_health")["outcome"] == "passed"

    def _resumed(self) -> dict[str, Any]:
        """Resume the execution out of its store, elsewhere."""
        return resuming.resume(self.folder, self.played, NAME, settings_of(self.row))

    def _deployed(self) -> str:
        """Deploy function, watcher and machine; return the machine."""
        iam, functions, s3 = (self.played.client(name) for name in ("iam", "lambda", "s3"))
        self.role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument="{}", Path="/")["Role"]["Arn"]
        code = {"S3Bucket": STATES, "S3Key": "functions.zip"}
        s3.put_object(Bucket=STATES, Key="functions.zip", Body=(self.packed.parent / "functions.zip").read_bytes())
        arns = {}
        for name, act in ((FUNCTION, "handler"), (WATCHER, "watcher")):
            made = functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=self.role,
                Handler=f"drproof.orchestrator.{act}.handler",
                Code=code,
                Timeout=definition.LONGEST_SECONDS,
            )
            arns[name] = made["FunctionArn"]
            place = self._lay_out(f"{name}-{made['CodeSha256'].replace('/', '_')}")
            if name == FUNCTION:
                # Its own key is made where it first signs.
                self.played = Machine(self.played.world, place, NAME)
        text = json.dumps(self._definition()).replace(definition.FUNCTION, arns[FUNCTION])
        made = self.states.create_state_machine(name="atlas-dr", definition=text, roleArn=self.role)
        return str(made["stateMachineArn"])

    def _lay_out(self, name: str) -> Path:
        """Unpack the package where the world does, and put the keys beside it.

        Keys and their trust file cannot come in a zip, which loses who may read them: a real one has a key service.
        """
        place = self.played.world.directory / "functions" / name
        shutil.copytree(self.packed, place, copy_function=os.link)
        (place / "drproof.toml").unlink()
        shutil.copy(self.played.package / "drproof.toml", place)
        shutil.copytree(self.played.package / ".drproof", place / ".drproof")
        return place

    def _definition(self) -> dict[str, Any]:
        otherwise = self.row.get("machine", {})
        limits = {name: otherwise[name] for name in ("approval_seconds",) if name in otherwise}
        found = definition.definition(**limits)
        if "timeout_seconds" in otherwise:
            found["TimeoutSeconds"] = otherwise["timeout_seconds"]
        if "forgets" in otherwise:
            found["States"][otherwise["forgets"]]["ResultSelector"]["more.$"] = "$.Payload.nothing"
        if "attempts" in otherwise:
            for state in found["States"].values():
                for again in state.get("Retry", ()):
                    again |= {"MaxAttempts": otherwise["attempts"], "IntervalSeconds": 1, "BackoffRate": 1}
        return found

    def _decide(self, arn: str, person: str, token: str) -> None:
        if self.row.get("terminal"):
            self.shown = self._at_a_terminal(arn)
        elif person in COMMANDS:
            self.shown = self._command(
                COMMANDS[person], arn, "--signer", f"file2:{self.played.approver}", "--ticket", "OPS-7"
            )
        elif person == "aborts":
            self.states.stop_execution(executionArn=arn, error="Operator", cause="wrong day")
        elif person == "fails the task":
            self.states.send_task_failure(taskToken=token, error="ManualApprovalRejected", cause="no")
        elif person == "says yes":
            self.states.send_task_success(taskToken=token, output='"yes"')
        else:
            assert person == "forges", f"a person is asked, and the row says of {person!r} nothing that they do"
            key = self.folder / "strangers" / "approver.key"
            key.parent.mkdir(mode=0o700)
            make_key(key)
            played = Machine(self.played.world, self.played.package, NAME, arn_given=arn)
            forged = played.decision(self._answer(arn, "validate"), approved=True, key=key)
            self.states.send_task_success(taskToken=token, output=json.dumps(forged))

    def _command(self, word: str, arn: str, *words: str, statuses: tuple[int, ...] = (0,)) -> str:
        done = Operator(self.folder).cli(
            word, "--execution-arn", arn, *words, *(("--reason", "it was looked at") if words else ()),
            "--yes", "--embedded", self.played.world.endpoint, COLUMNS="300",
        )  # fmt: skip
        assert done.returncode in statuses, done.stdout + done.stderr
        return done.stdout + (done.stderr if done.returncode == MISUSED else "")

    def _at_a_terminal(self, arn: str) -> str:
        """Approve as a person at a terminal, and return what stood on it."""
        words = ["approve", "--execution-arn", arn, "--signer", f"file2:{self.played.approver}"]
        python = [sys.executable, "-c", "from drproof.cli import main; main()"]
        person = Terminal(Operator(self.folder), [*python, *words, "--embedded", self.played.world.endpoint])
        for asked, typed in (("reason: ", "it was looked at"), ("ticket: ", "OPS-7"), (r"\[y/N\]: ", "y")):
            person.shows(asked)
            person.types(typed)
        assert person.ends() == 0, person.text
        return person.text

    def _kept(self, token: str, found: Mapping[str, Any]) -> list[str]:
        """Return where the token of the question stands, once the execution is judged, exported and copied as well."""
        said = {name: found[name] for name in ("history", "described", "watcher", "receipts", "mails", "torn down")}
        arn, endpoint = found["arn"], self.played.world.endpoint
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            found_files = export(arn, export_settings({"target": "embedded"}, {}, folder), endpoint).collection.files
            write(found_files, folder / EXPORTED)
            check(Asked(arn=arn, endpoint=endpoint), {"target": "embedded"}, folder, folder / "audit")
            if self.row["sealed"]:
                Machine(self.played.world, self.played.package, NAME, arn_given=arn).bundle(folder / "bundle")
            return places_with(
                token,
                endpoint,
                said={**said, "what the person was shown": self.shown},
                folders=(folder, self.folder, self.played.package),
            )

    def _print(self, token: str) -> None:
        """Have the function print the token, as somebody's line for debugging would."""
        logs, group = self.played.client("logs"), f"/aws/lambda/{FUNCTION}"
        stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
        event = {"timestamp": int(time.time() * 1000), "message": f"{PRINTED} {token} {PRINTED}"}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])

    def _torn_down(self, arn: str) -> dict[str, Any]:
        """Tear down as an operator does, and return what was said and asked."""
        before = len(self.played.world.calls())
        # What was restored into buckets stays, and is told as that.
        said = self._command("teardown", arn, statuses=(2,) if self.row.get("locked") else (0, 1))
        return {"said": said, "calls": self.played.world.calls()[before:]}

    def _watched(self, arn: str, status: str) -> dict[str, Any]:
        """Call the watcher as the rule does, which the emulator does not deliver to."""
        event = {
            "source": "aws.states",
            "detail-type": "Step Functions Execution Status Change",
            "detail": {"executionArn": arn, "status": status},
        }
        answer = self.played.client("lambda").invoke(FunctionName=WATCHER, Payload=json.dumps(event).encode())
        return {"failed": "FunctionError" in answer, "said": json.loads(answer["Payload"].read())}

    def _exported(self, arn: str) -> dict[str, str]:
        """Export the execution, and return what it is judged live."""
        endpoint = self.played.world.endpoint
        exported = export(arn, export_settings({"target": "embedded"}, {}, Path("/")), endpoint)
        write(exported.collection.files, self.folder / EXPORTED)
        live = check(Asked(arn=arn, endpoint=endpoint), {"target": "embedded"}, self.folder, self.folder / "live")
        return {verdict.name: verdict.status.value for verdict in live.conclusion.verdicts}

    def _receipts(self) -> dict[str, Any]:
        """Return the receipts as they lie in the store."""
        s3 = self.played.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/{NAME}/", Delimiter="/")
        keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
        found = [json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]
        return {one["phase"]: one for one in found}

    def _seen(self, arn: str) -> dict[str, Any]:
        return dict(self.states.describe_execution(executionArn=arn))

    def _history(self, arn: str, **asked: Any) -> list[dict[str, Any]]:
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn, **asked)
        return [event for page in pages for event in page["events"]]

    def _answer(self, arn: str, phase: str) -> dict[str, Any]:
        outputs = [event.get("taskSucceededEventDetails", {}).get("output") for event in self._history(arn)]
        payloads = [json.loads(output).get("Payload", {}) for output in outputs if output]
        return dict(next(one for one in payloads if one.get("phase") == phase))

    def _has_struck(self) -> bool:
        """Return whether a fault of the row has befallen a call."""
        return any(rule["struck"] for rule in self._world("GET", "faults"))

    def _state(self, arn: str) -> str:
        """Return the state that was entered last."""
        entered = (event.get("stateEnteredEventDetails", {}).get("name", "") for event in self._history(arn))
        return [name for name in entered if name][-1]

    def _token(self, arn: str) -> str:
        """Return the token of the question once it was asked, NONE where the execution ended before."""
        found = self.states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=3)["events"]
        if self._seen(arn)["status"] != "RUNNING":
            return NONE
        scheduled = next((event for event in found if event["type"] == "TaskScheduled"), None)
        if not found or found[0]["type"] != "TaskSubmitted" or scheduled is None:
            return ""
        payload = json.loads(scheduled["taskScheduledEventDetails"]["parameters"]).get("Payload", {})
        return str(payload.get("task_token", ""))

    def _world(self, method: str, route: str, body: Mapping[str, Any] | None = None) -> Any:
        return embedded.ask(self.played.world.endpoint, method, route, body)


if __name__ == "__main__":
    sys.stdout.write(table())
