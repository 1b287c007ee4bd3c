"""The team's own board: Allure results, through allure-pytest where that is installed."""

import contextlib
import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from drproof.model.receipt import Receipt


def point_at(config: pytest.Config, folder: Path) -> tuple[Path, ...]:
    """Have allure-pytest write its results beside the proof, unless `--alluredir` says where.

    Returns the folders that allure-pytest makes for it, before anything has run.
    """
    if not hasattr(config.option, "allure_report_dir") or config.option.allure_report_dir or _dry(config):
        return ()
    made = tuple(path for path in (folder, *folder.parents) if not path.exists())
    home = made[-1].parent if made else folder
    if not home.is_dir() or not os.access(home, os.W_OK):
        # Opening the run refuses this place in words; allure-pytest would end in a trace.
        return ()
    config.option.allure_report_dir = str(folder)
    return made


def leave(folders: Iterable[Path]) -> None:
    """Remove the folders of a run that was refused; one that holds anything stays."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def leave_nothing_empty(config: pytest.Config) -> None:
    """Remove the folder again when a refused drill wrote nothing to it."""
    folder = getattr(config.option, "allure_report_dir", None)
    if folder and Path(folder).is_dir() and not any(Path(folder).iterdir()):
        Path(folder).rmdir()


def attach_receipt(config: pytest.Config, directory: Path, receipt: Receipt[Any]) -> None:
    """Give the current item a step for a phase, with the receipt's very bytes attached."""
    if not _active(config):
        return
    import allure

    path = directory / "receipts" / f"{receipt.sequence:02}-{receipt.phase}.json"
    with allure.step(f"{receipt.phase}: {receipt.outcome}"):
        attach: Any = allure.attach
        attach.file(str(path), name=path.name, attachment_type=allure.attachment_type.JSON)


def describe(config: pytest.Config, claim: str, *, controls: Iterable[str]) -> None:
    """Give the current item its claim as title, and the controls that it supports as labels."""
    if not _active(config):
        return
    import allure

    dynamic: Any = allure.dynamic
    dynamic.title(claim)
    for control in controls:
        dynamic.label("control", control)


def _active(config: pytest.Config) -> bool:
    return bool(getattr(config.option, "allure_report_dir", None)) and find_spec("allure") is not None


def _dry(config: pytest.Config) -> bool:
    return bool(config.option.collectonly or getattr(config.option, "setupplan", False))
