"""Lambda without containers: a function's handler runs in a process of its own, with its package as its folder."""

import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction

from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.awslambda.models:LambdaFunction._invoke_lambda",
    "moto.awslambda.models:LambdaFunction.save_logs",
)
RUNNER = """
import importlib, json, sys, traceback
module, _, name = sys.argv[1].rpartition(".")
try:
    answer = json.dumps(getattr(importlib.import_module(module), name)(json.load(sys.stdin), None))
except Exception as error:
    traceback.print_exc(file=sys.stderr)
    print(json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}))
    sys.exit(1)
print(answer)
"""
"""Calls a handler as Lambda does: the event comes as JSON, and what it raises goes back by its name."""
_UNPACKING = threading.Lock()
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def install(world: World) -> None:
    """Have functions run on this machine, as the site that takes over, against this world."""
    seams.put(LambdaFunction, "_invoke_lambda", _invoker(world))


def _invoker(world: World) -> Callable[..., tuple[str, bool, str]]:
    def invoke(function: Any, event: Any = None) -> tuple[str, bool, str]:  # noqa: ANN401 — the emulator's
        function.logs_backend.ensure_log_group(function.logs_group_name)
        folder = _unpacked(world, function)
        site = world.recovery
        environment = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            # The package holds settings alone: the code is that of this very interpreter.
            "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)]),
            "LAMBDA_TASK_ROOT": str(folder),
            "AWS_REGION": site.region,
            "AWS_ACCESS_KEY_ID": site.access_key_id,
            "AWS_SECRET_ACCESS_KEY": site.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "DRPROOF_ENDPOINT": world.endpoint,
            **function.environment_vars,
        }
        text = event if isinstance(event, str) else json.dumps(event or {})
        try:
            done = subprocess.run(
                [sys.executable, "-c", RUNNER, function.handler],
                input=text.encode(),
                capture_output=True,
                cwd=folder,
                env=environment,
                timeout=int(function.timeout),
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = f"Task timed out after {function.timeout} seconds"
            return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": said}), True, said
        logs = done.stderr.decode(errors="replace")
        function.save_logs(logs)
        last = done.stdout.decode(errors="replace").strip().rpartition("\n")[2]
        return last, done.returncode != 0, logs

    return invoke


def _unpacked(world: World, function: Any) -> Path:  # noqa: ANN401 — the emulator's
    """Return the folder with a function's package, unpacked once, however many call it at the same time."""
    folder = world.directory / "functions" / f"{function.function_name}-{function.code_sha_256.replace('/', '_')}"
    with _UNPACKING:
        if not folder.exists():
            folder.mkdir(parents=True)
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as package:
                package.extractall(folder)
    return folder
