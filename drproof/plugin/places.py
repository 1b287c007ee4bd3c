"""Where the checks of a plan lie, and how a session is pointed at them."""

from importlib.util import find_spec
from pathlib import Path

import pytest


def checks_of(plan: str) -> Path:
    """Return the file with the items of a plan.

    Raises:
        pytest.UsageError: drproof was installed without its checks.
    """
    spec = find_spec("drproof.checks")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    for folder in folders:
        path = Path(folder) / f"test_{plan}.py"
        if path.is_file():
            return path
    msg = f"drproof was installed without its checks of plan {plan}\n  next: pip install --force-reinstall drproof"
    raise pytest.UsageError(msg)


def point_at(config: pytest.Config, checks: Path) -> None:
    """Have the session collect these checks: instead of `testpaths`, beside paths that were given."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(checks)]
        return
    if not any(_covers(config, argument, checks) for argument in config.args):
        config.args = [*config.args, str(checks)]


def _covers(config: pytest.Config, argument: str, checks: Path) -> bool:
    """Return whether an argument names the checks, as a package or as a path."""
    name = argument.partition("::")[0]
    if name.startswith("drproof.checks"):
        return True
    path = (config.invocation_params.dir / name).resolve()
    return checks.resolve().is_relative_to(path) if path.is_dir() else path == checks.resolve()
