"""One container of a pod through its attempts: pull, configure, start, end, wait, start again."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drproof.embedded.kubernetes.containers import Container, Exit, Pretence, Process
from drproof.embedded.kubernetes.environments import ConfigurationError, Environments
from drproof.embedded.kubernetes.events import Recorder
from drproof.embedded.kubernetes.images import Images
from drproof.embedded.kubernetes.pace import Pace
from drproof.embedded.kubernetes.registry import Image, PullRefusedError, Reference
from drproof.embedded.kubernetes.resources import PODS, Object
from drproof.embedded.kubernetes.roots import NoCommandError, cannot_start, prepare
from drproof.embedded.kubernetes.scripts import Run, Scripts
from drproof.embedded.kubernetes.store import copied, timestamp
from drproof.embedded.kubernetes.volumes import below

_START_ERROR = 128
_OOM = 137
_MESSAGE_BYTES, _MESSAGE_BYTES_OF_LOG, _MESSAGE_LINES_OF_LOG = 4096, 2048, 80
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod's containers live: the node, its services, and the pod's folders."""

    node: str
    architecture: str
    folder: Path
    logs: Path
    addresses: Mapping[str, str]
    images: Images
    environments: Environments
    scripts: Scripts
    recorder: Recorder
    node_environment: Mapping[str, str]
    pace: Pace
    ended: Callable[[], None]


@dataclass
class Attempts:
    """What became of one container so far; `advance` takes the next step."""

    place: Place
    spec: Object
    initial: bool
    waiting: tuple[str, str] = field(default=("ContainerCreating", ""), init=False)
    started: int = field(default=0, init=False)
    running: Container | None = field(default=None, init=False)
    terminated: Object | None = field(default=None, init=False)
    last: Object | None = field(default=None, init=False)
    image: Image | None = field(default=None, init=False)
    reported_digest: str = field(default="", init=False)
    _run: Run | None = field(default=None, init=False)
    _drawn: bool = field(default=False, init=False)
    _shown_until: float = field(default=0.0, init=False)
    _not_before: float = field(default=0.0, init=False)
    _waits_for: float = field(default=0.0, init=False)
    _pull_delay: float = field(default=0.0, init=False)
    _restart_delay: float = field(default=0.0, init=False)
    _pull_failure: bool = field(default=False, init=False)
    _said: set[str] = field(default_factory=set, init=False)

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.spec["name"])

    @property
    def exit_code(self) -> int | None:
        """The status of its last run, None while it runs or has not run."""
        return None if self.terminated is None else int(self.terminated["exitCode"])

    def observe(self, now: float) -> bool:
        """Note the end of its process; say whether there is news."""
        if self.running is None or self.running.exit is None:
            return False
        container, ended = self.running, self.running.exit
        self.running = None
        self._end(ended, container.identity, container.started_at, now)
        return True

    def advance(self, pod: Object, volumes: Mapping[str, Path], now: float) -> float | None:
        """Start it if it is time; return when to try again, None once it runs."""
        if now < self._shown_until:
            return self._shown_until
        if now < self._not_before or self._backs_off_unseen:
            if self._pull_failure:
                self._back_off_pull(pod)
            elif self.terminated is not None:
                self._back_off_restart(pod)
            return self._not_before
        if not self._drawn:
            self._run, self._drawn = self.place.scripts.next(copied(pod), self.name), True
        if not self._pull(pod, now):
            return max(now, self._shown_until)
        try:
            self._start(pod, volumes, now)
        except ConfigurationError as exc:
            return self._refuse(pod, "CreateContainerConfigError", str(exc), now)
        except NoCommandError as exc:
            return self._refuse(pod, "CreateContainerError", f"failed to generate spec: {exc}", now)
        except (OSError, ValueError) as exc:
            # A mount over what cannot make way, a variable that no process can have.
            return self._refuse(pod, "CreateContainerError", f"failed to create containerd container: {exc}", now)
        return self.running.due() if self.running else now

    def restart_after(self, now: float) -> None:
        """Begin to wait before it is started again: not at all the first time, then twice as long each time."""
        pace = self.place.pace
        delay = self._restart_delay
        self._restart_delay = min(pace.backoff_max, delay * 2) if delay else pace.backoff_first
        self._show(now)
        self._not_before = max(now + delay, self._shown_until)
        self._waits_for = delay
        self._said.discard("restart")

    def state(self) -> Object:
        """Return its state as a container status has it."""
        if self.running is not None:
            return {"running": {"startedAt": timestamp(self.running.started_at)}}
        if self.terminated is not None and not self.waiting[0]:
            return {"terminated": self.terminated}
        reason, message = self.waiting
        return {"waiting": {"reason": reason} | ({"message": message} if message else {})}

    def status(self) -> Object:
        """Return its container status."""
        running = self.running is not None
        succeeded = self.terminated is not None and not self.waiting[0] and self.exit_code == 0
        reference = self._reference()
        image_id = self.image.identity if self.image else ""
        if image_id and self.reported_digest:
            image_id = f"{image_id.partition('@')[0]}@{self.reported_digest}"
        last = (self.terminated if self.waiting[0] else None) or self.last
        found: Object = {
            "name": self.name,
            "image": str(reference) if reference and self.image else str(self.spec["image"]),
            "imageID": image_id,
            "lastState": {"terminated": last} if last else {},
            "ready": succeeded if self.initial else running,
            "restartCount": max(0, self.started - 1),
            "started": running,
            "state": self.state(),
        }
        state = found["state"].get("terminated")
        identity = self.running.identity if self.running else (state or last or {}).get("containerID", "")
        if identity:
            found["containerID"] = identity if "://" in identity else f"containerd://{identity}"
        return found

    def log(self, number: int) -> Path:
        """Return where the output of its run of that number lies."""
        return self.place.logs / self.name / f"{number}.log"

    def _pull(self, pod: Object, now: float) -> bool:
        """Have the image; False when it has to be waited for."""
        text = str(self.spec["image"])
        try:
            reference = Reference.parse(text)
        except ValueError as exc:
            message = f'Failed to apply default image tag "{text}": {exc}'
            self._warn_once(pod, "InvalidImageName", "InspectFailed", message)
            self._look_again(now, "InvalidImageName", message)
            return False
        default = "Always" if reference.tag == "latest" else "IfNotPresent"
        policy = self.spec.get("imagePullPolicy") or default
        failure = self._run.pull_error if self._run else ""
        held = self.place.images.held(self.place.node, reference)
        if held and policy != "Always" and not failure:
            self._normal(pod, "Pulled", f'Container image "{text}" already present on machine')
            self._have(held)
            return True
        if policy == "Never" and not failure:
            message = f'Container image "{text}" is not present with pull policy of Never'
            self._warn_once(pod, "ErrImageNeverPull", "ErrImageNeverPull", message)
            self._look_again(now, "ErrImageNeverPull", message)
            return False
        return self._ask_registry(pod, reference, failure, now)

    def _ask_registry(self, pod: Object, reference: Reference, failure: str, now: float) -> bool:
        text, place = str(self.spec["image"]), self.place
        if missing := place.images.missing_secrets(pod):
            said = f"Unable to retrieve some image pull secrets ({', '.join(missing)}); "
            place.recorder.warning(
                PODS,
                pod,
                "FailedToRetrieveImagePullSecret",
                f"{said}attempting to pull the image may not succeed.",
                host=place.node,
            )
        self._normal(pod, "Pulling", f'Pulling image "{text}"')
        try:
            image = None if failure else place.images.pull(pod, place.node, place.architecture, reference)
        except PullRefusedError as exc:
            failure, image = str(exc), None
        else:
            # An attempt that a script lets fail at the registry is over with that.
            self._drawn = self._drawn and not failure
        if image is None:
            self._fail_pull(pod, failure, now)
            return False
        self._normal(
            pod,
            "Pulled",
            f'Successfully pulled image "{text}" in 1ms (1ms including waiting). Image size: 67108864 bytes.',
        )
        self._have(image)
        return True

    def _fail_pull(self, pod: Object, message: str, now: float) -> None:
        """Wait, twice as long as the last time, before the registry is asked again."""
        pace, text = self.place.pace, str(self.spec["image"])
        delay = self._pull_delay
        self._pull_delay = min(pace.image_backoff_max, delay * 2) if delay else pace.image_backoff_first
        self._pull_failure = True
        self.waiting = ("ErrImagePull", message)
        self._show(now)
        self._not_before = self._shown_until + self._pull_delay
        self._said.discard("pull")
        self._warning(pod, "Failed", f'Failed to pull image "{text}": {message}')
        self._warning(pod, "Failed", "Error: ErrImagePull")

    def _have(self, image: Image) -> None:
        self.image, self._pull_failure, self._pull_delay = image, False, 0.0

    def _start(self, pod: Object, volumes: Mapping[str, Path], now: float) -> None:
        """Start the container: its process, or what a script says instead."""
        place, run = self.place, self._run or Run(really=True)
        variables = place.environments.resolve(pod, self.spec, place.addresses)
        identity, log = secrets.token_hex(32), self.log(self.started)
        self.reported_digest = run.image_digest
        if run.pretended:
            code = _OOM if run.oom else run.exit_code or 0
            seconds = None if run.hang else run.seconds
            reason = "OOMKilled" if run.oom else ""
            self._begin(pod)
            self.running = Pretence(identity=identity, log=log, text=run.logs, seconds=seconds, outcome=(code, reason))
            return
        root = self._root(self.started)
        host = str(pod["spec"].get("hostname") or pod["metadata"]["name"])
        program = self.image.program if self.image else None
        prepared = prepare(root, self.spec, program, volumes, variables, place.node_environment, host)
        environment = prepared.environment | dict(run.environment)
        try:
            process = Process(
                prepared.argv,
                identity=identity,
                folder=prepared.folder,
                environment=environment,
                log=log,
                ended=place.ended,
            )
        except OSError as exc:
            self._cannot_start(pod, cannot_start(prepared.argv[0], exc), identity, now)
            return
        self._begin(pod)
        self.running = process

    def _begin(self, pod: Object) -> None:
        """Note a start; what it ended with before is its last state."""
        self._normal(pod, "Created", f"Created container {self.name}")
        self._normal(pod, "Started", f"Started container {self.name}")
        self.started += 1
        self.last, self.terminated = self.terminated or self.last, None
        self.waiting, self._drawn = ("", ""), False

    def _cannot_start(self, pod: Object, message: str, identity: str, now: float) -> None:
        self._normal(pod, "Created", f"Created container {self.name}")
        self._warning(pod, "Failed", f"Error: {message}")
        self.log(self.started).parent.mkdir(parents=True, exist_ok=True)
        self.log(self.started).touch()
        self.started += 1
        self.last, self.waiting, self._drawn = self.terminated or self.last, ("", ""), False
        self.terminated = {
            "containerID": f"containerd://{identity}",
            "exitCode": _START_ERROR,
            "finishedAt": timestamp(),
            "message": message,
            "reason": "StartError",
            "startedAt": _EPOCH,
        }
        self._not_before = now

    def _end(self, ended: Exit, identity: str, began: float, now: float) -> None:
        self.waiting = ("", "")
        self.terminated = {
            "containerID": f"containerd://{identity}",
            "exitCode": ended.code,
            "finishedAt": timestamp(ended.at),
            "reason": ended.said,
            "startedAt": timestamp(began),
        }
        if message := self._message(ended):
            self.terminated["message"] = message
        # One that ran for long is no longer a container that crashes.
        if ended.at - began > 2 * self.place.pace.backoff_max:
            self._restart_delay = 0.0
        self._not_before = now

    def _message(self, ended: Exit) -> str:
        """Return a container's termination message: what it wrote as such, or the end of its log where that serves."""
        path = str(self.spec.get("terminationMessagePath") or "/dev/termination-log")
        written = below(self._root(self.started - 1), path)
        if written.is_file() and written.stat().st_size:
            return written.read_bytes()[:_MESSAGE_BYTES].decode("utf-8", "replace")
        if ended.code and self.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            said = self.log(self.started - 1).read_bytes()[-_MESSAGE_BYTES_OF_LOG:].decode("utf-8", "replace")
            return "".join(said.splitlines(keepends=True)[-_MESSAGE_LINES_OF_LOG:])
        return ""

    def _root(self, number: int) -> Path:
        return self.place.folder / "containers" / self.name / str(number) / "root"

    def _back_off_pull(self, pod: Object) -> None:
        text = str(self.spec["image"])
        message = f'Back-off pulling image "{text}"'
        self.waiting = ("ImagePullBackOff", message)
        if "pull" not in self._said:
            self._said.add("pull")
            self.place.recorder.normal(PODS, pod, "BackOff", message, host=self.place.node, field=self._field)
            self._warning(pod, "Failed", "Error: ImagePullBackOff")

    def _back_off_restart(self, pod: Object) -> None:
        meta = pod["metadata"]
        whole = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        delay = f"back-off {self._waits_for:g}s restarting failed container={self.name} pod={whole}"
        self.waiting = ("CrashLoopBackOff", delay)
        if "restart" not in self._said:
            self._said.add("restart")
            self._warning(pod, "BackOff", f"Back-off restarting failed container {self.name} in pod {whole}")

    def _refuse(self, pod: Object, reason: str, message: str, now: float) -> float:
        self._warning(pod, "Failed", f"Error: {message}")
        return self._look_again(now, reason, message)

    def _look_again(self, now: float, reason: str, message: str) -> float:
        """Wait for what nobody announces: a Secret that appears, a name that is corrected."""
        self.waiting = (reason, message)
        self._shown_until = self._not_before = now + self.place.pace.mount_retry
        return self._not_before

    @property
    def _backs_off_unseen(self) -> bool:
        """Whether it never said that it backs off: however late its turn comes, that precedes the next attempt."""
        if self._pull_failure:
            return "pull" not in self._said
        return self.terminated is not None and self._waits_for > 0 and "restart" not in self._said

    def _show(self, now: float) -> None:
        """Let the present state be seen before what follows."""
        self._shown_until = now + self.place.pace.sync

    def _reference(self) -> Reference | None:
        try:
            return Reference.parse(str(self.spec["image"]))
        except ValueError:
            return None

    @property
    def _field(self) -> str:
        return f"spec.{'initContainers' if self.initial else 'containers'}{{{self.name}}}"

    def _normal(self, pod: Object, reason: str, message: str) -> None:
        self.place.recorder.normal(PODS, pod, reason, message, host=self.place.node, field=self._field)

    def _warning(self, pod: Object, reason: str, message: str) -> None:
        self.place.recorder.warning(PODS, pod, reason, message, host=self.place.node, field=self._field)

    def _warn_once(self, pod: Object, error: str, reason: str, message: str) -> None:
        if error not in self._said:
            self._said.add(error)
            self._warning(pod, reason, message)
            self._warning(pod, "Failed", f"Error: {error}")
