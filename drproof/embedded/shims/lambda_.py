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

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend, LambdaFunction

from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.awslambda.exceptions:InvalidParameterValueException",
    "moto.awslambda.models:LambdaBackend.create_function",
    "moto.awslambda.models:LambdaBackend.update_function_configuration",
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
RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)
"""What the service sets itself, and takes from nobody."""
_UNPACKING = threading.Lock()
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def install(world: World) -> None:
    """Have functions run on this machine, as the site that takes over, against this world."""
    seams.put(LambdaFunction, "_invoke_lambda", _invoker(world))
    made, changed = LambdaBackend.create_function, LambdaBackend.update_function_configuration

    def create_function(self: LambdaBackend, spec: dict[str, Any]) -> Any:  # noqa: ANN401 — the emulator's
        _refuse_reserved(spec)
        return made(self, spec)

    def update_function_configuration(self: LambdaBackend, name: str, qualifier: str, body: dict[str, Any]) -> Any:  # noqa: ANN401
        _refuse_reserved(body)
        return changed(self, name, qualifier, body)

    seams.put(LambdaBackend, "create_function", create_function)
    seams.put(LambdaBackend, "update_function_configuration", update_function_configuration)


def _refuse_reserved(asked: dict[str, Any]) -> None:
    """Refuse a function whose environment names what is reserved, as the service does."""
    found = sorted(RESERVED & set((asked.get("Environment") or {}).get("Variables") or {}))
    if found:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. Reserved keys used in "
            f"this request: {', '.join(found)}"
        )


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
            "AWS_SDK_UA_APP_ID": function.function_name,
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
