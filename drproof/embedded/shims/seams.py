"""The emulator's attributes that the shims rely on; one that is gone is named before the world starts."""

import importlib
from collections.abc import Iterable
from importlib.metadata import version

TESTED = "5.2.5"


class SeamMovedError(RuntimeError):
    """The installed emulator is not the one that the shims were written for."""


def check(shim: str, names: Iterable[str]) -> None:
    """Return when every `module:attribute.path` exists.

    Raises:
        SeamMovedError: one does not; the message names it.
    """
    for name in names:
        module, _, path = name.partition(":")
        try:
            found: object = importlib.import_module(module)
            for part in path.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as exc:
            msg = (
                f"{shim} needs {name}, which moto {version('moto')} does not have: expected moto {TESTED}\n"
                f"  next: pip install 'moto[server]=={TESTED}'"
            )
            raise SeamMovedError(msg) from exc


def put(owner: object, name: str, value: object) -> None:
    """Put `value` in the place of an attribute of the emulator.

    Raises:
        SeamMovedError: the emulator has no such attribute.
    """
    if not hasattr(owner, name):
        msg = f"moto {version('moto')} has no {owner!r}.{name} to replace: expected moto {TESTED}"
        raise SeamMovedError(msg)
    setattr(owner, name, value)


def add(owner: object, name: str, value: object) -> None:
    """Give the emulator an action that it lacks.

    Raises:
        SeamMovedError: it has one of that name now, which must be judged before it is covered up.
    """
    if hasattr(owner, name):
        msg = f"moto {version('moto')} has its own {owner!r}.{name}: expected moto {TESTED}, which lacks it"
        raise SeamMovedError(msg)
    setattr(owner, name, value)
