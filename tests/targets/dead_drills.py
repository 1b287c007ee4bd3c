"""What a drill left that died long ago, and what a sweep makes of it."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from drproof.engine.sweep import sweep
from drproof.engine.sweep_asked import Asked
from drproof.engine.sweep_documents import SweepRecord
from drproof.model.settings import Settings
from drproof.targets import embedded, open_target
from tests.targets import shipped
from tests.targets.conftest import settings
from tests.targets.decoys import PAST, STATES


class Left:
    """A drill that died long ago, and what a sweep makes of it."""

    def __init__(self, world: embedded.World, stranger: Callable[[str], Any], folder: Path) -> None:
        self.drill = f"dead-{secrets.token_hex(4)}"
        self.key = f"t/{self.drill}.tfstate"
        self.settings: Settings = settings("direct", key=self.key)
        self.world, self.stranger, self.folder = world, stranger, folder

    def makes(self, expires_at: str = PAST, **more: Any) -> shipped.Shipped:
        made = shipped.make(self.stranger, self.drill, expires_at, **more)
        self.stranger("s3").put_object(Bucket=STATES, Key=self.key, Body=made.state.encode())
        return made

    def swept(self, **asked: Any) -> SweepRecord:
        target = open_target(self.settings, self.world.endpoint, directory=self.folder, origin=self.drill)
        return sweep(target, self.settings, Asked(drill=self.drill, **asked), self.folder / "sweeps")

    def is_soon_given_up(self) -> None:
        """Have sweeps look for seconds, as long as a test waits for nothing that is to go.

        What stays is looked at until that time is over, for objects, things and states each.
        """
        self.settings = replace(self.settings, limits=replace(self.settings.limits, recount_ms=1_000))

    def holds(self) -> bool:
        return "Contents" in self.stranger("s3").list_objects_v2(Bucket=STATES, Prefix=self.key)
