"""Builds of one site: started once, looked at, stopped, and the end of what they printed."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drproof.model.capabilities import Intent
from drproof.model.errors import NotFoundError, QuotaError, TargetError, ThrottledError, UnansweredError
from drproof.targets import waiting
from drproof.targets.aws import instants
from drproof.targets.aws.errors import failure, translated
from drproof.targets.aws.service_quotas import CODEBUILD, USUAL, builds_named, quota_named

if TYPE_CHECKING:
    from mypy_boto3_codebuild.client import CodeBuildClient
    from mypy_boto3_logs.client import CloudWatchLogsClient

WAITING = frozenset({"SUBMITTED", "QUEUED"})
"""Phases of a build that has not begun."""

BEFORE_IT_WORKS = WAITING | {"PROVISIONING"}
"""Phases in which no command of a build has run."""

REFUSED = re.compile(r"(account[ _]?limit|quota)[ _]?exceeded|cannot have more than \d+ [a-z ]*builds", re.IGNORECASE)
"""What the cause of a phase says where the account may not run the build."""

GONE = 5
"""How many looks in a row must not find a build that was seen before it is gone: not every answer knows the newest."""

SHORTEST_MINUTES = 5
"""The least that CodeBuild takes for either of its own bounds."""

ASKED_AGAIN = 2
"""How often a start without an answer is asked for again; the token makes it one build."""

TAIL_LINES = 40
LOG_EVENTS = 400
LISTED = 100
"""How many of the newest builds of a project are looked at; one call reads no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSeen:
    """One build as CodeBuild shows it."""

    build_id: str
    status: str
    """`IN_PROGRESS`, `SUCCEEDED`, `FAILED`, `FAULT`, `TIMED_OUT` or `STOPPED`."""
    phase: str
    started_at: str
    ended_at: str
    variables: Mapping[str, str]
    exported: Mapping[str, str]
    failed_phase: str
    """The first phase that did not succeed; empty where all did."""
    cause: str
    """What that phase says of it."""
    log: tuple[str, str]
    """Group and stream."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status != "IN_PROGRESS"

    @property
    def was_refused(self) -> bool:
        """Whether a quota of the account kept it from beginning."""
        return self.failed_phase in BEFORE_IT_WORKS and REFUSED.search(self.cause) is not None


class AwsBuilds:
    """The builds of one project."""

    def __init__(  # noqa: PLR0913 — three services, and which project of which region
        self,
        client: "CodeBuildClient",
        logs: "CloudWatchLogsClient",
        quotas: Callable[[], Any],
        *,
        project: str,
        region: str,
        every: float,
    ) -> None:
        """Ask through `client` and `logs`, when waiting every so many seconds; `quotas` when one is in the way."""
        self._client: Any = client
        self._logs: Any = logs
        self._quotas = quotas
        self._region = region
        self._every = every
        self.project = project

    def start(
        self, intent: Intent, token: str, variables: Mapping[str, str], *, queued_ms: int, build_ms: int
    ) -> BuildSeen:
        """Start a build; the same token within five minutes is the same build.

        Raises:
            QuotaError: the account may not run builds now.
            UnansweredError: nobody answered, several times.
        """
        request = {
            "projectName": self.project,
            "idempotencyToken": token,
            "environmentVariablesOverride": [
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in sorted(variables.items())
            ],
            "queuedTimeoutInMinutesOverride": _minutes(queued_ms),
            "timeoutInMinutesOverride": _minutes(build_ms),
        }
        for left in reversed(range(ASKED_AGAIN + 1)):
            try:
                with translated("codebuild:StartBuild", f"{self.project} for effect {intent.number}"):
                    return _seen(self._client.start_build(**request)["build"])
            except UnansweredError:
                if not left:
                    raise
            except QuotaError as exc:
                raise self._quota(exc) from exc
        raise AssertionError  # pragma: no cover — the loop returns or raises

    def get(self, build_id: str) -> BuildSeen:
        """Return a build; `NotFoundError` when there is none of that id."""
        found = self._get((build_id,))
        if not found:
            raise failure("codebuild:BatchGetBuilds", build_id, "BuildNotFound", "CodeBuild knows no such build")
        return found[0]

    def newest(self) -> tuple[BuildSeen, ...]:
        """Return the newest builds of the project, the newest first."""
        with translated("codebuild:ListBuildsForProject", self.project):
            answer = self._client.list_builds_for_project(projectName=self.project, sortOrder="DESCENDING")
        order = {name: number for number, name in enumerate(answer.get("ids", [])[:LISTED])}
        return tuple(sorted(self._get(tuple(order)), key=lambda build: order[build.build_id]))

    def stop(self, intent: Intent, build_id: str, *, timeout_ms: int) -> BuildSeen:
        """End a build and return it once it is over; `TargetError` when the time is over."""
        with translated("codebuild:StopBuild", f"{build_id} for effect {intent.number}"):
            self._client.stop_build(id=build_id)
        for build in self.looks(build_id, timeout_ms):
            if build.is_over:
                return build
        raise failure("codebuild:StopBuild", build_id, "Timeout", f"expected it to end within {timeout_ms} ms")

    def looks(self, build_id: str, timeout_ms: int, *, known: bool = False) -> Iterator[BuildSeen]:
        """Yield the build again and again until the time is over; a look that is not answered is left out.

        One that is `known` was seen before.

        Raises:
            NotFoundError: it was seen, and CodeBuild knows it no more.
        """
        missed = 0
        for _ in waiting.until(timeout_ms, every=self._every):
            try:
                build = self.get(build_id)
            except (ThrottledError, UnansweredError):
                continue
            except NotFoundError as exc:
                # A new build is not known everywhere at once.
                missed += 1
                if known and missed >= GONE:
                    message = "CodeBuild knows it no more, which it did a moment ago"
                    raise failure("codebuild:BatchGetBuilds", build_id, "BuildNotFound", message) from exc
                continue
            known, missed = True, 0
            yield build

    def tail(self, build: BuildSeen) -> tuple[str, ...]:
        """Return the last lines that a build printed; they are somebody else's text. None when nobody kept them."""
        return self._lines(build, from_head=False)[-TAIL_LINES:]

    def head(self, build: BuildSeen) -> tuple[str, ...]:
        """Return the first lines that a build printed."""
        return self._lines(build, from_head=True)

    def _lines(self, build: BuildSeen, *, from_head: bool) -> tuple[str, ...]:
        group, stream = build.log
        if not group or not stream:
            return ()
        with translated("logs:GetLogEvents", f"{group} {stream}"):
            answer = self._logs.get_log_events(
                logGroupName=group, logStreamName=stream, startFromHead=from_head, limit=LOG_EVENTS
            )
        return tuple(line for event in answer["events"] for line in str(event["message"]).splitlines() if line.strip())

    def _get(self, ids: tuple[str, ...]) -> tuple[BuildSeen, ...]:
        if not ids:
            return ()
        with translated("codebuild:BatchGetBuilds", ids[0] if len(ids) == 1 else self.project):
            answer = self._client.batch_get_builds(ids=list(ids))
        return tuple(_seen(item) for item in answer.get("builds", []))

    def _quota(self, error: QuotaError) -> QuotaError:
        """Return the refusal with the name of the quota that must be raised."""
        first = str(error).partition("\n")[0]
        return QuotaError(f"{first}\n  next: {self.raise_the_quota()}", code=error.code, call=error.call)

    def raise_the_quota(self) -> str:
        """Return which limit must be raised so that builds of this project run, and the whole command for that."""
        limit = 0
        try:
            with translated("codebuild:BatchGetProjects", self.project):
                answer = self._client.batch_get_projects(names=[self.project])
            project = answer["projects"][0]
            limit = project.get("concurrentBuildLimit") or 0
            name = builds_named(project["environment"])
        except (TargetError, KeyError, IndexError):
            name = builds_named(USUAL)
        try:
            code, value = quota_named(self._quotas(), CODEBUILD, name)
        except TargetError:
            # Whoever may not list quotas may still request one: the command finds the code by the name.
            code, value = f'"$({self._code_of(name)})"', 0
        if 0 < limit < value:
            return (
                f"the project {self.project} runs at most {limit} at a time: aws codebuild update-project --region "
                f"{self._region} --name {self.project} --concurrent-build-limit {limit + 1}"
            )
        return (
            f"request at least {value + 1} of the quota '{name}': aws service-quotas request-service-quota-increase "
            f"--region {self._region} --service-code {CODEBUILD} --quota-code {code} --desired-value {value + 1}; "
            "or pytest -m drill --provisioner terraform"
        )

    def _code_of(self, name: str) -> str:
        query = f"Quotas[?QuotaName=='{name}'].QuotaCode"
        return (
            f"aws service-quotas list-aws-default-service-quotas --region {self._region} --service-code {CODEBUILD} "
            f'--query "{query}" --output text'
        )


def _minutes(milliseconds: int) -> int:
    return max(SHORTEST_MINUTES, -(-milliseconds // 60_000))


def _seen(item: Mapping[str, Any]) -> BuildSeen:
    bad = [one for one in item.get("phases", []) if one.get("phaseStatus") not in {None, "SUCCEEDED"}]
    # A phase that fails first is the cause; those after it (COMPLETED among them) only follow.
    first = next((one for one in bad if one.get("phaseType") != "COMPLETED"), bad[0] if bad else {})
    said = [one for one in first.get("contexts", []) if one.get("message") or one.get("statusCode")]
    cause = ": ".join(filter(None, (said[-1].get("statusCode"), said[-1].get("message")))) if said else ""
    logs = item.get("logs", {})
    return BuildSeen(
        build_id=item["id"],
        status=item["buildStatus"],
        phase=item.get("currentPhase", ""),
        started_at=instants.text(item.get("startTime")),
        ended_at=instants.text(item.get("endTime")),
        variables={
            one["name"]: one.get("value", "") for one in item.get("environment", {}).get("environmentVariables", [])
        },
        exported={one["name"]: one.get("value", "") for one in item.get("exportedEnvironmentVariables", [])},
        failed_phase=str(first.get("phaseType", "")),
        cause=cause,
        log=(str(logs.get("groupName", "")), str(logs.get("streamName", ""))),
    )
