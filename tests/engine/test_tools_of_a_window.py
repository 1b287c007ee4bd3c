"""A window asks for the tool that brings machines up when one of its phases brings one up, or takes it away."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drproof import catalog
from drproof.engine import opening
from drproof.engine.refusal import Refusal
from drproof.engine.window import WindowRequest, cover
from drproof.model.errors import TargetError
from tests.phases.site import SETTINGS

RECOVERY = catalog.plan(catalog.RECOVERY)
EARLIER = {phase.name: True for phase in RECOVERY.phases}


class Lacking:
    """A live site of which the machine of whoever drills has no Terraform."""

    identity = SimpleNamespace(expires_at=lambda: "")

    @property
    def provisioner(self) -> Any:
        raise TargetError("terraform cannot be used: it is not on this machine's PATH", code="NoTerraform")


@pytest.mark.parametrize(
    ("window", "asks"),
    [
        (WindowRequest(teardown=False), True),
        (WindowRequest(start_at="teardown"), True),
        (WindowRequest(start_at="promote", teardown=False), False),
        (WindowRequest(start_at="restore", teardown=False), False),
        (WindowRequest(manual="restore", teardown=False), False),
        (WindowRequest(manual="bringup", teardown=False), True),
    ],
)
def test_who_decides_or_restores_needs_no_terraform(
    window: WindowRequest, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_target", lambda *_: SimpleNamespace(primary=Lacking(), recovery=Lacking()))
    monkeypatch.setattr(opening, "assert_sites", lambda *_: None)
    monkeypatch.setattr(opening, "refuse_a_clock_ahead", lambda *_: None)
    earlier = {**EARLIER, window.manual: False} if window.manual else EARLIER
    coverage = cover(RECOVERY, window, earlier if window.start_at or window.manual else None)
    prepared: Any = SimpleNamespace(
        settings=replace(SETTINGS, target="aws"),
        plan=RECOVERY,
        mode="live",
        coverage=coverage,
        criteria=SimpleNamespace(approval=SimpleNamespace(within_ms=0)),
    )
    private: Any = None

    assert coverage.provisions is asks
    if asks:
        with pytest.raises(Refusal, match="terraform cannot be used"):
            opening._checked_target(prepared, private, None, "x")
    else:
        opening._checked_target(prepared, private, None, "x")
