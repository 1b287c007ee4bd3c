"""What happens in the world by itself while a drill runs: the original site publishes, falls behind, and recovers.

The first reader of the preferred pointer starts the outage, so that it falls into that drill's window.
"""

import threading
import time
from datetime import UTC, datetime

from moto.cloudwatch.models import cloudwatch_backends

from drproof.embedded.shims import cloudwatch
from drproof.embedded.world import World

STALE_AFTER_SECONDS = 0.1
FRESH_AFTER_SECONDS = 0.2
PULSE_SECONDS = 20.0
STALE = {"PipelineFreshnessHours": 30.0, "PublishCorrectness": 1.0, "NeedsDR": 1.0}
FRESH = {"PipelineFreshnessHours": 3.0, "PublishCorrectness": 0.0, "NeedsDR": 0.0}
UNITS = {"PipelineFreshnessHours": "None", "PublishCorrectness": "Count", "NeedsDR": "Count"}


def start(world: World) -> None:
    """Let time begin."""
    trigger = f"{world.names.prefix}/state/candidates/{world.names.candidate}/last_success.json"
    outage = _Outage(world)

    def read(bucket: str, key: str) -> None:
        if (bucket, key) == (world.names.bucket, trigger):
            outage.begin()

    if world.scenario != "alarm-outside-window":
        world.on_object_read.append(read)
    threading.Thread(target=outage.pulse, daemon=True).start()


def publish(world: World, values: dict[str, float], at: datetime | None = None) -> None:
    """Publish the metrics of the original site."""
    dimensions = [{"Name": name, "Value": value} for name, value in world.names.dimensions.items()]
    # The emulator compares instants that do not say that they are UTC.
    instant = (at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    backend = cloudwatch_backends[world.primary.account_id][world.primary.region]
    backend.put_metric_data(
        world.names.namespace,
        [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": instant, "Value": value, "Unit": UNITS[name]}
            for name, value in values.items()
        ],
    )


class _Outage:
    """One outage and its end; a second reader starts no second one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._values = FRESH
        self._quiet = False
        self._lock = threading.Lock()
        self._begun = False

    def begin(self) -> None:
        with self._lock:
            if self._begun:
                return
            self._begun = True
        threading.Thread(target=self._run, daemon=True).start()

    def pulse(self) -> None:
        """Publish the current values again and again, as a pipeline does."""
        while True:
            time.sleep(PULSE_SECONDS)
            with self._lock:
                if not self._quiet:
                    publish(self._world, self._values)

    def _run(self) -> None:
        time.sleep(STALE_AFTER_SECONDS)
        if self._world.scenario == "alarm-on-missing-data":
            self._fall_silent()
        else:
            self._say(STALE)
        time.sleep(FRESH_AFTER_SECONDS - STALE_AFTER_SECONDS)
        self._say(FRESH)

    def _say(self, values: dict[str, float]) -> None:
        with self._lock:
            self._values, self._quiet = values, False
            publish(self._world, values)

    def _fall_silent(self) -> None:
        with self._lock:
            self._quiet = True
        backend = cloudwatch_backends[self._world.primary.account_id][self._world.primary.region]
        for name in self._world.names.alarms:
            cloudwatch.fall_silent(backend.alarms[name])
