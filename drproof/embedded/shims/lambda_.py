"""Lambda without containers: a function's handler runs in warm processes, with its package as their folder."""

import io
import json
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend, LambdaFunction

from drproof.embedded.functions import Deployed, Functions, environment_of
from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.awslambda.exceptions:InvalidParameterValueException",
    "moto.awslambda.models:LambdaBackend.create_function",
    "moto.awslambda.models:LambdaBackend.update_function_configuration",
    "moto.awslambda.models:LambdaFunction._invoke_lambda",
    "moto.awslambda.models:LambdaFunction.save_logs",
)
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
    functions = Functions()
    world.on_end.append(functions.end)
    seams.put(LambdaFunction, "_invoke_lambda", _invoker(world, functions))
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


def _invoker(world: World, functions: Functions) -> Callable[..., tuple[str, bool, str]]:
    def invoke(function: Any, event: Any = None) -> tuple[str, bool, str]:  # noqa: ANN401 — the emulator's
        function.logs_backend.ensure_log_group(function.logs_group_name)
        folder = _unpacked(world, function)
        site = world.recovery
        own = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "LAMBDA_TASK_ROOT": str(folder),
            "AWS_REGION": site.region,
            "AWS_ACCESS_KEY_ID": site.access_key_id,
            "AWS_SECRET_ACCESS_KEY": site.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SDK_UA_APP_ID": function.function_name,
            "DRPROOF_ENDPOINT": world.endpoint,
            **function.environment_vars,
        }
        environment = tuple(sorted(environment_of(own, folder).items()))
        deployed = Deployed(handler=function.handler, folder=folder, environment=environment)
        asked = json.loads(event) if isinstance(event, str) else event or {}
        request, began = uuid4(), time.monotonic()
        called = functions.call(deployed, asked, int(function.timeout))
        taken_ms = int((time.monotonic() - began) * 1000)
        printed = (
            f"START RequestId: {request} Version: {function.version}\n{called.printed}"
            f"END RequestId: {request}\nREPORT RequestId: {request}\tDuration: {taken_ms} ms\n"
        )
        function.save_logs(printed)
        return called.answer, called.failed, printed

    return invoke


def _unpacked(world: World, function: Any) -> Path:  # noqa: ANN401 — the emulator's
    """Return the folder with a function's package, unpacked once, however many call it at the same time."""
    functions = world.directory / "functions"
    folder = functions / f"{function.function_name}-{function.code_sha_256.replace('/', '_')}"
    with _UNPACKING:
        if not folder.exists():
            functions.mkdir(exist_ok=True)
            # Whoever finds the folder finds all of it.
            unfinished = Path(tempfile.mkdtemp(prefix="unpacking-", dir=functions))
            try:
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as package:
                    package.extractall(unfinished)
                unfinished.rename(folder)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
    return folder
