"""`python -m drproof.embedded`: starts a world, says where it is in one line, and lives until nobody needs it."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from drproof.embedded import fork_server

if __name__ == "__main__" and fork_server.VARIABLE in os.environ:
    # Before anything is imported that the server has imported already.
    sys.exit(fork_server.hand_over(os.environ[fork_server.VARIABLE], sys.argv[1:]))


def steer() -> None:
    """Have the emulator see no account, key or default of whoever starts the world."""
    # Its own defaults cost a second and answer for accounts that do not exist.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_ACCOUNT"))]:
        del os.environ[name]


steer()
from drproof.embedded import models  # noqa: E402 — after the environment is set

models.share()

try:
    from drproof.embedded import names, scenarios, server, shims, site, timeline
    from drproof.embedded.accounts import Accounts
    from drproof.embedded.calls import CallLog
    from drproof.embedded.faults.rules import Faults
    from drproof.embedded.lifetime import Lifetime
    from drproof.embedded.world import World
except ModuleNotFoundError as _missing:
    if (_missing.name or "").startswith("drproof"):
        raise
    sys.exit(f"the embedded world is not installed: {_missing}\n  next: pip install 'drproof[embedded]'")

ADDRESS = "world.json"
LINGER_SECONDS = 180
MEMBERS = "2400"
"""How many members the generated state archive has; a test that drills often asks for fewer."""


def main(arguments: list[str] | None = None) -> int:
    """Run a world to its end and return the exit status."""
    options = _options(arguments)
    directory: Path = options.directory.resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _own_session()
    # The caller's folder may be removed while the world lives.
    os.chdir("/")
    application = server.Application()
    listener = server.bind(application)
    temporary = directory / "tmp"
    temporary.mkdir(exist_ok=True)
    # The emulator keeps large objects in temporary files: they end with the world.
    tempfile.tempdir = str(temporary)
    known = names.read()
    world = World(
        names=known,
        accounts=Accounts(known, recovery_until=scenarios.credentials_until(options.scenario)),
        scenario=options.scenario,
        seed=options.seed,
        members=options.members,
        directory=directory,
        endpoint=f"http://{server.LOOPBACK}:{listener.port}",
        log=CallLog(directory / "calls.jsonl"),
        lifetime=Lifetime(options.linger),
        run=options.run,
        faults=Faults(scenarios.faults(options.scenario)),
    )
    world.instances.mkdir(exist_ok=True)
    _heed_signals(world)
    shims.install(world)
    facts = site.generate(world)
    timeline.start(world)
    application.world = world
    threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    _announce(world, facts)
    try:
        world.lifetime.wait(directory / ADDRESS)
    finally:
        listener.shutdown()
        for end in world.on_end:
            end()
        for folder in (temporary, world.instances):
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _own_session() -> None:
    """Leave the session of the caller, so that its end is not the world's."""
    if os.getsid(0) == os.getpid():
        return
    if os.getpgrp() == os.getpid() and os.fork():
        # The leader of a group of processes cannot leave its session; its child can.
        os._exit(0)
    os.setsid()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m drproof.embedded", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where the world keeps its files")
    parser.add_argument("--scenario", default=scenarios.NONE, help="the failure to inject, or none")
    parser.add_argument("--seed", type=int, default=1, help="the generated data depend on it alone")
    parser.add_argument("--linger", type=float, default=LINGER_SECONDS, help="seconds to live after the last call")
    members = os.environ.get("EMBEDDED_WORLD_MEMBERS", MEMBERS)
    parser.add_argument("--members", type=int, default=members, help="how many members the state archive has")
    parser.add_argument("--run", type=int, default=0, help="the process of the run, which some scenarios strike")
    options = parser.parse_args(arguments)
    try:
        scenarios.known(options.scenario)
    except ValueError as exc:
        parser.error(str(exc))
    if options.linger <= 0 or options.members < 1:
        parser.error(f"--linger and --members must be positive, got {options.linger} and {options.members}")
    return options


def _heed_signals(world: World) -> None:
    # A terminal's interrupt ends the run, not the world that its guardian cleans up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: world.lifetime.stop())


def _announce(world: World, facts: dict[str, Any]) -> None:
    """Write `world.json`, print it as one line, and let go of standard output."""
    document = {
        "endpoint": world.endpoint,
        "pid": os.getpid(),
        "scenario": world.scenario,
        "seed": world.seed,
        "call_log": str(world.log.path),
        "credentials": world.accounts.public(),
        "instances": str(world.instances),
        "site": facts,
    }
    line = json.dumps(document, sort_keys=True) + "\n"
    unfinished = world.directory / f"{ADDRESS}.new"
    unfinished.touch(mode=0o600)
    unfinished.write_text(line, encoding="utf-8")
    unfinished.replace(world.directory / ADDRESS)
    sys.stdout.write(line)
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


if __name__ == "__main__":
    _status = main()
    sys.stderr.flush()
    # Threads of the emulator may be in the middle of a call: the end of the world does not wait for them.
    os._exit(_status)
