"""A disk that is full: from a moment on, the process of the run can write no byte more, whatever the disk.

The bound is the kernel's, on the size of files, and of that process alone: its guardian and the world have room, as
they have where they write to another disk. Struck is only the process that said at the start that it is the run.
"""

import contextlib
import resource
import threading

from drproof.embedded.world import World


def watch(world: World) -> None:
    """Let the disk be full as soon as what was restored is read back: by then there is something to take away."""
    if world.scenario != "disk-full" or not world.run:
        return
    full = threading.Event()

    def read(bucket: str, _key: str) -> None:
        if bucket == world.names.recovery_bucket and not full.is_set():
            full.set()
            # A run that has ended meanwhile, or is somebody else's, is let alone.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                most = resource.prlimit(world.run, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(world.run, resource.RLIMIT_FSIZE, (0, most))

    world.on_object_read.append(read)
