"""CodeBuild as a provisioner: a build brings the machine up or takes it away, and its receipt says what that was."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from drproof.analysis.ownership import refuse_too_many
from drproof.formats.build_receipts import BuildReceipt
from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.changes import Build, Change, Planned, Say, unsaid
from drproof.model.errors import HeldError, QuotaError, TargetError
from drproof.model.ownership import Bounds
from drproof.targets import cleaning
from drproof.targets.aws.codebuild import WAITING, AwsBuilds, BuildSeen
from drproof.targets.aws.errors import failure
from drproof.targets.provisioners import build_failures
from drproof.targets.provisioners.build_order import Action, Orders, next_token
from drproof.targets.provisioners.build_seen import BuildOrder, is_before, took
from drproof.targets.provisioners.kept_receipts import Kept, kept_of, mismatch
from drproof.targets.provisioners.machines import MOST, end_all, marked, outputs, own_machines, sought
from drproof.targets.provisioners.place import Lock, Place

STOPPING_MS = 120_000
"""How long a build may take to end once it was told to."""

MOST_TRIES = 8
"""How many builds of one effect may have ended badly before no further one is started."""

OTHERWISE = re.compile("token|mismatch", re.IGNORECASE)
"""How CodeBuild refuses a token that it knows with other parameters."""


class CodeBuildProvisioner:
    """Brings the machine up and takes it away by builds of one project."""

    kind: Literal["codebuild"] = "codebuild"

    def __init__(self, place: Place, orders: Orders, builds: Callable[[], AwsBuilds]) -> None:
        """Work at `place` as `orders` say; `builds` opens the project when it is first needed."""
        self._place = place
        self._orders = orders
        self._open = builds
        self._opened: AwsBuilds | None = None
        self._done = ""
        """The build that somebody else started for this drill by `order`; empty where this starts its own."""

    def order(self, intent: Intent, spec: RunnerSpec, *, version: str = "") -> BuildOrder:
        """Return what a build must be started with that brings the machine up, for whoever starts it instead.

        `version` is of the module's zip; empty takes the one that is newest now.

        Raises:
            TargetError: the state is another drill's, or the module has no version.
        """
        place = self._place
        spec = marked(spec, place.origin)
        self._refuse_foreign()
        if not version and self._orders.tool == "terraform":
            version = self._module_version()
        variables = self._orders.variables("bringup", intent, spec, place, version)
        return BuildOrder(
            project=self._orders.settings.project,
            environment=tuple(
                {"Name": name, "Value": value, "Type": "PLAINTEXT"} for name, value in sorted(variables.items())
            ),
            idempotency_token=intent.token,
            version=version,
        )

    def take(self, build_id: str) -> None:
        """Have the next `up` take the build that somebody started by `order`, instead of starting one."""
        self._done = build_id

    def why(self, build_id: str) -> TargetError | None:
        """Return why a build that somebody started by `order` did not succeed, by its receipt; None where it did.

        Raises:
            TargetError: it cannot be asked, or is no build of this drill.
        """
        build = self._given(build_id)
        if not build.is_over or build.status == "SUCCEEDED":
            return None
        if (refused := self._refused(build)) is not None:
            return refused
        receipt, doubt = self._said("bringup", build)
        if build_failures.found_the_lock_held(receipt, ()):
            return self._held(receipt, (), self._place.lock())
        return build_failures.failed(build, receipt, doubt, ())

    @property
    def version(self) -> str:
        """The project, and the tool that its builds use."""
        orders = self._orders
        tool = f"terraform {orders.terraform_version}" if orders.tool == "terraform" else "no Terraform"
        why = f" ({orders.why})" if orders.why else ""
        return f"project {orders.settings.project}, {tool}{why}"

    @property
    def state(self) -> str:
        """Where the remote state lies."""
        return self._place.uri

    @property
    def _builds(self) -> AwsBuilds:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def up(self, intent: Intent, spec: RunnerSpec, *, say: Say = unsaid) -> Change:
        """Have a build create what the state lacks.

        Raises:
            QuotaError: the account runs no builds now; nothing was tried.
            HeldError: somebody else holds the lock of the state; nothing was changed.
            TargetError: the build failed, or its receipt is not that of this build.
        """
        place = self._place
        spec = marked(spec, place.origin)
        self._refuse_foreign()
        there = place.fleet.runners(sought(spec))
        if there and self._orders.tool == "direct" and not self._done:
            # Without Terraform no state says so, and a build would make another one.
            nothing = Planned(create=0, change=0, destroy=0)
            return Change(created=0, changed=0, destroyed=0, outputs=outputs(spec, there), planned=nothing)
        running = self._given(self._done) if self._done else self._settle(intent, "bringup", say)
        before = {runner.instance_id for runner in there if not self._done or is_before(runner.launched_at, running)}
        seen, kept = self._built("bringup", intent, spec, running, say)
        runners = place.fleet.runners(sought(spec))
        made = tuple(runner.instance_id for runner in runners if runner.instance_id not in before)
        receipt = kept.receipt
        return Change(
            created=max(receipt.add, 1) if made else 0,
            # What was added beside a machine that was there already is a change of it, and no cold start.
            changed=receipt.change + (0 if made else receipt.add),
            destroyed=receipt.destroy,
            outputs={**receipt.outputs, **outputs(spec, runners)},
            created_ids=made,
            planned=Planned(create=receipt.add, change=receipt.change, destroy=receipt.destroy),
            build=self._told(seen, kept),
            providers=receipt.providers,
        )

    def down(self, intent: Intent, spec: RunnerSpec, bounds: Bounds, *, say: Say = unsaid) -> Change:
        """Have a build destroy what the state holds of this drill, then end what is left of its machines."""
        place = self._place
        spec = marked(spec, place.origin)
        destroyed, build, providers = 0, None, dict[str, str]()
        # Ahead of the build too: it is told to end them, and must not begin where the bounds forbid it.
        refuse_too_many("machines", own_machines(place.fleet, spec, bounds), bounds.most, MOST)
        try:
            running = self._settle(intent, "teardown", say)
            if running or self._is_up(spec):
                there = len(place.fleet.runners(sought(spec)))
                seen, kept = self._built("teardown", intent, spec, running, say, bounds)
                by_hand = there - len(place.fleet.runners(sought(spec))) if self._orders.tool == "direct" else 0
                destroyed, build = kept.receipt.destroy + by_hand, self._told(seen, kept)
                providers = dict(kept.receipt.providers)
        finally:
            # Also when no build can run: a machine that is ours costs money, whatever the quota says.
            ended = end_all(place.fleet, intent, spec, bounds, timeout_ms=place.ending_ms)
        return Change(created=0, changed=0, destroyed=destroyed + len(ended), build=build, providers=providers)

    def holds(self) -> tuple[str, ...]:
        """Return the identities in the remote state."""
        return self._place.terraform().identities

    def _refuse_foreign(self) -> None:
        """Refuse a state that another drill holds, and one of another provisioner."""
        place = self._place
        for held in (place.direct(), place.terraform()):
            if held.identities and held.origin != place.origin:
                raise place.foreign(held)
        if (elsewhere := place.direct()).identities:
            raise place.foreign(elsewhere)

    def _given(self, build_id: str) -> BuildSeen:
        """Return the build that somebody else started, once it is seen to be this drill's."""
        build = self._builds.get(build_id)
        expected = {"ACTION": "bringup", "EXECUTION_ID": self._place.origin}
        got = {name: build.variables.get(name, "") for name in expected}
        if got != expected:
            raise mismatch(build, self._orders, f"expected a build with {expected}, got {got}")
        return build

    def _is_up(self, spec: RunnerSpec) -> bool:
        """Return whether there is anything for a build to take away."""
        if self._orders.tool == "direct":
            return bool(self._place.fleet.runners(sought(spec)))
        held = self._place.terraform()
        return bool(held.identities) and held.origin == self._place.origin

    def _built(  # noqa: PLR0913 — what a build is about, and who is told
        self,
        action: Action,
        intent: Intent,
        spec: RunnerSpec,
        running: BuildSeen | None,
        say: Say,
        bounds: Bounds | None = None,
    ) -> tuple[BuildSeen, Kept]:
        """Start a build, or find the one that runs, wait for its end, and return it with its receipt."""
        seen = running or self._started(action, intent, spec, bounds)
        say(f"build {seen.build_id} {'goes on' if running else 'started'}")
        try:
            ended = self._awaited(seen, say)
        except BaseException as exc:
            # Nobody waits for it any longer: it must not go on unobserved.
            left = f"build {seen.build_id} may still run"
            next_step = f"aws codebuild stop-build --region {self._orders.region} --id {seen.build_id}"
            last = None
            with cleaning.after(exc, left=left, next_step=next_step):
                last = self._builds.stop(intent, seen.build_id, timeout_ms=self._stopping_ms)
            if not isinstance(exc, TargetError) or last is None or last.status != "SUCCEEDED":
                raise
            # It came to its end between the last look and this: what it did is done, and its receipt says what.
            ended = last
        if ended.status != "SUCCEEDED":
            raise self._failed(action, ended)
        kept = kept_of(ended, action, self._place, self._orders)
        if kept is None:
            where = f"s3://{self._orders.receipts.bucket}/{self._orders.receipt_key(action, self._place.origin)}"
            raise mismatch(ended, self._orders, f"expected a receipt at {where}, got none")
        if kept.receipt.status != "ok":
            raise mismatch(ended, self._orders, f"the build succeeded and its receipt says {kept.receipt.status}")
        return ended, kept

    @property
    def _stopping_ms(self) -> int:
        return min(STOPPING_MS, self._place.ending_ms)

    def _started(self, action: Action, intent: Intent, spec: RunnerSpec, bounds: Bounds | None) -> BuildSeen:
        """Start a build of this effect; one that an earlier attempt started and that ended badly is not it."""
        orders, place = self._orders, self._place
        ended = {build.build_id: build for build in self._builds.newest() if build.is_over}
        version = self._module_version() if orders.tool == "terraform" else ""
        variables = orders.variables(action, intent, spec, place, version, bounds)
        token = intent.token
        for _ in range(MOST_TRIES):
            try:
                seen = self._builds.start(
                    intent, token, variables, queued_ms=orders.settings.queued_ms, build_ms=orders.settings.build_ms
                )
            except TargetError as exc:
                # An earlier attempt asked for something else, such as an older version of the module.
                if exc.code != "InvalidInputException" or OTHERWISE.search(str(exc)) is None:
                    raise
                token = next_token(token, "other parameters")
                continue
            earlier = ended.get(seen.build_id)
            if earlier is None or earlier.status == "SUCCEEDED":
                return seen
            token = next_token(token, seen.build_id)
        message = f"{MOST_TRIES} builds of this effect ended badly; expected one that does not"
        raise failure("codebuild:StartBuild", orders.settings.project, "TooManyBuilds", message)

    def _module_version(self) -> str:
        """Return the version of the module's zip that builds fetch."""
        orders = self._orders
        if orders.settings.module_version:
            return orders.settings.module_version
        version = self._place.objects.head(orders.module.bucket, orders.module.key).version
        if not version:
            message = "expected a bucket that keeps versions, got an object without one"
            raise failure("s3:HeadObject", str(orders.module), "NoVersion", message)
        return version

    def _awaited(self, started: BuildSeen, say: Say) -> BuildSeen:
        """Return the build once it is over."""
        settings = self._orders.settings
        build, phase = started, ""
        seen = False
        for build in self._builds.looks(started.build_id, settings.queued_ms):
            seen = True
            if build.phase != phase:
                phase = build.phase
                say(f"build {build.build_id}: {phase}")
            if build.is_over or phase not in WAITING:
                break
        else:
            if not seen:
                message = f"expected to see it within {settings.queued_ms} ms, got no answer; it was stopped"
                raise failure("codebuild:BatchGetBuilds", started.build_id, "Timeout", message)
            raise self._queued(build, f"it waited {settings.queued_ms} ms for its turn")
        for build in self._builds.looks(started.build_id, settings.build_ms, known=True):
            if build.phase != phase:
                phase = build.phase
                say(f"build {build.build_id}: {phase}")
            if build.is_over:
                return build
        message = f"expected an end within {settings.build_ms} ms, got {build.status} in {build.phase}; it was stopped"
        raise failure("codebuild:BatchGetBuilds", started.build_id, "Timeout", message)

    def _queued(self, build: BuildSeen, why: str) -> QuotaError:
        msg = (
            f"codebuild:StartBuild {build.build_id}: QueuedTooLong: {why}, and did not begin\n"
            f"  next: wait for the builds before it, or {self._builds.raise_the_quota()}"
        )
        return QuotaError(msg, code="QueuedTooLong", call="codebuild:StartBuild")

    def _refused(self, build: BuildSeen) -> QuotaError | None:
        """Return the error of a build that a quota kept from beginning; None where something else ended it."""
        if build.failed_phase in WAITING and build.status == "TIMED_OUT":
            return self._queued(build, "its time for waiting is over")
        if not build.was_refused:
            return None
        msg = (
            f"build {build.build_id}: {build.status}: {build.failed_phase}: {build.cause}\n"
            f"  next: {self._builds.raise_the_quota()}"
        )
        return QuotaError(msg, code="BuildRefused", call="codebuild:StartBuild")

    def _failed(self, action: Action, build: BuildSeen) -> TargetError:
        """Return why a build did not succeed, from its phases, its receipt and its log."""
        if (refused := self._refused(build)) is not None:
            return refused
        tail: tuple[str, ...] = ()
        with suppress(TargetError):
            tail = self._builds.tail(build)
        receipt, doubt = self._said(action, build)
        if build_failures.found_the_lock_held(receipt, tail):
            there, own = self._place.lock(), False
            with suppress(TargetError):
                own = there is not None and took(build, there, self._builds.head)
            if there is not None and own:
                # Its Terraform asked again, and met the lock that it had taken: the next attempt gives it back.
                return self._place.unanswered(there)
            return self._held(receipt, tail, there)
        return build_failures.failed(build, receipt, doubt, tail)

    def _held(self, receipt: BuildReceipt | None, tail: tuple[str, ...], there: Lock | None) -> HeldError:
        """Return the error of a lock that a build met: where Terraform met it, else where one lies now."""
        beside = build_failures.is_beside(receipt, tail)
        if beside is None:
            beside = there is not None
        lock = build_failures.lock_of(receipt) or build_failures.lock_in(tail) or (there if beside else None)
        return self._place.held(lock, "" if beside else self._orders.lock_table)

    def _said(self, action: Action, build: BuildSeen) -> tuple[BuildReceipt | None, str]:
        """Return the receipt that a build which did not succeed left, or why there is none to believe."""
        try:
            kept = kept_of(build, action, self._place, self._orders)
        except TargetError as exc:
            return None, str(exc).partition("\n")[0]
        if kept is None:
            return None, "it left no receipt"
        return (kept.receipt if kept.receipt.status == "failed" else None), ""

    def _told(self, build: BuildSeen, kept: Kept) -> Build:
        receipt = kept.receipt
        return Build(
            build_id=build.build_id,
            project=self._orders.settings.project,
            receipt_uri=kept.uri,
            receipt_sha256=kept.sha256,
            receipt_version=kept.version,
            module_sha256=receipt.module_sha256,
            tool_version=f"{receipt.tool} {receipt.tool_version}",
        )

    def _settle(self, intent: Intent, action: Action, say: Say) -> BuildSeen | None:
        """Return the build of this drill that does `action` already; end its others, and give back what they held."""
        own = [build for build in self._builds.newest() if build.variables.get("EXECUTION_ID") == self._place.origin]
        found = None
        ended = []
        for build in own:
            if build.is_over:
                ended.append(build)
            elif build.variables.get("ACTION") == action and found is None:
                found = build
            elif action == "bringup":
                message = f"expected no other build of this drill, got {build.status} in {build.phase}"
                raise failure("codebuild:StartBuild", build.build_id, "StillRunning", message)
            else:
                say(f"build {build.build_id} is stopped")
                ended.append(self._builds.stop(intent, build.build_id, timeout_ms=self._stopping_ms))
        if found is None:
            self._unlock(intent, ended, say)
        return found

    def _unlock(self, intent: Intent, ended: list[BuildSeen], say: Say) -> None:
        """Remove the lock that a build of this drill held when it was ended: nobody else could have had it then."""
        lock = self._place.lock()
        if lock is None:
            return
        for build in ended:
            if build.status != "SUCCEEDED" and took(build, lock, self._builds.head):
                say(f"the lock of build {build.build_id} is removed")
                self._place.drop(intent, lock)
                return
