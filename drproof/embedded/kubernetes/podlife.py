"""One pod on its node, from the first sight of it to the last process."""

import shutil
import time
from pathlib import Path

from drproof.embedded.kubernetes.attempts import Attempts, Place
from drproof.embedded.kubernetes.objects import being_deleted
from drproof.embedded.kubernetes.podstatus import TERMINAL, Verdict, phase_of
from drproof.embedded.kubernetes.resources import PODS, Object
from drproof.embedded.kubernetes.store import timestamp
from drproof.embedded.kubernetes.volumes import MountError, Volumes

_DEADLINE = "Pod was active on the node longer than the specified deadline"


class PodLife:
    """The containers of one pod; `step` brings them one step further and says when to look again."""

    def __init__(self, pod: Object, place: Place, volumes: Volumes, now: float) -> None:
        self.pod = pod
        self.place = place
        self.started_at = timestamp()
        self.verdict: Verdict | None = None
        self.sandbox = False
        self._volumes = volumes
        self._mounted: dict[str, Path] = {}
        self._mount_at = 0.0
        self._began = now
        self._kill_at: float | None = None
        spec = pod["spec"]
        self.initial = [Attempts(place, each, initial=True) for each in spec.get("initContainers") or []]
        self.main = [Attempts(place, each, initial=False) for each in spec["containers"]]
        if self.initial:
            for each in [*self.initial, *self.main]:
                each.waiting = ("PodInitializing", "")

    @property
    def all(self) -> list[Attempts]:
        """Its containers, those that initialise first."""
        return [*self.initial, *self.main]

    @property
    def running(self) -> bool:
        """Whether a process of it is left."""
        return any(each.running for each in self.all)

    @property
    def over(self) -> bool:
        """Whether it has ended for good and nothing of it runs."""
        return not self.running and (self.verdict is not None or self._phase() in TERMINAL)

    def container(self, name: str) -> Attempts | None:
        """Return one of its containers."""
        return next((each for each in self.all if each.name == name), None)

    def statuses(self, containers: list[Attempts]) -> list[Object]:
        """Return the container statuses of some of its containers."""
        return [each.status() for each in containers]

    def step(self, pod: Object, now: float) -> float | None:
        """Take the next step of the pod as it is now; None when only its processes or its manifest bring news."""
        self.pod = pod
        self._observe(now)
        if being_deleted(pod) or self.verdict:
            return self._end(now)
        if self._phase() in TERMINAL:
            return None
        deadline = pod["spec"].get("activeDeadlineSeconds")
        if deadline is not None and now >= self._began + deadline:
            self.verdict = Verdict("Failed", "DeadlineExceeded", _DEADLINE)
            return self._end(now)
        due = self._advance(now)
        if deadline is not None:
            due = min(due if due is not None else float("inf"), self._began + deadline)
        return due

    def kill(self) -> None:
        """End all of it now."""
        for each in self.all:
            if each.running:
                each.running.kill()

    def abandon(self, now: float) -> bool:
        """End a pod that is in the cluster no more; say whether all of it is gone."""
        self.kill()
        self._observe(now)
        return not self.running

    def clear(self) -> None:
        """Remove its folders."""
        shutil.rmtree(self.place.folder, ignore_errors=True)
        shutil.rmtree(self.place.logs, ignore_errors=True)

    def join(self, seconds: float) -> None:
        """Wait for the end of its processes and threads."""
        until = time.monotonic() + seconds
        for each in self.all:
            if each.running:
                each.running.join(max(0.0, until - time.monotonic()))

    def _observe(self, now: float) -> None:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        for each in self.all:
            if each.observe(now) and not self._ending and self._restarts(each, policy):
                each.restart_after(now)

    @property
    def _ending(self) -> bool:
        return being_deleted(self.pod) or self.verdict is not None

    def _restarts(self, each: Attempts, policy: str) -> bool:
        if each.initial:
            return each.exit_code != 0 and policy != "Never"
        return policy == "Always" or (policy == "OnFailure" and each.exit_code != 0)

    def _advance(self, now: float) -> float | None:
        if not self.sandbox:
            if now < self._mount_at:
                return self._mount_at
            try:
                self._mounted = self._volumes.set_up(self.pod, self.place.folder / "volumes", self.place.addresses)
            except MountError as exc:
                self.place.recorder.warning(PODS, self.pod, "FailedMount", str(exc), host=self.place.node)
                self._mount_at = now + self.place.pace.mount_retry
                return self._mount_at
            self.sandbox = True
        for each in self.initial:
            if each.exit_code != 0:
                return self._start(each, now)
        for each in self.main:
            if each.waiting[0] == "PodInitializing":
                each.waiting = ("ContainerCreating", "")
        dues = [self._start(each, now) for each in self.main]
        return min((due for due in dues if due is not None), default=None)

    def _start(self, each: Attempts, now: float) -> float | None:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        if each.running:
            return each.running.due()
        if each.terminated is not None and not self._restarts(each, policy):
            return None
        before = each.terminated
        due = each.advance(self.pod, self._mounted, now)
        if each.terminated is not None and each.terminated is not before and self._restarts(each, policy):
            # It could not even be started: that is a crash like any other.
            each.restart_after(now)
        return due

    def _end(self, now: float) -> float | None:
        """Ask the processes to end, and after the grace period end them."""
        meta, spec = self.pod["metadata"], self.pod["spec"]
        grace = meta.get("deletionGracePeriodSeconds", spec.get("terminationGracePeriodSeconds", 30))
        until = now + min(float(grace), self.place.pace.grace_max)
        if self._kill_at is None:
            self._kill_at = until
            for each in self.all:
                if each.running:
                    text = f"Stopping container {each.name}"
                    field = f"spec.containers{{{each.name}}}"
                    self.place.recorder.normal(PODS, self.pod, "Killing", text, host=self.place.node, field=field)
                    each.running.terminate()
            self._observe(now)
        elif until < self._kill_at:
            self._kill_at = until
        if not self.running:
            return None
        if now >= self._kill_at:
            self.kill()
            self._observe(now)
            return None
        return self._kill_at

    def _phase(self) -> str:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        return phase_of(policy, self.statuses(self.initial), self.statuses(self.main))


def final_verdict(life: PodLife) -> Verdict:
    """Return the phase of a pod whose containers were stopped: Succeeded only if all of them ended well."""
    well = all(each.exit_code == 0 for each in life.main)
    return life.verdict or Verdict("Succeeded" if well else "Failed")
