"""Every test, and CI, finds Terraform's provider in the same places."""

from pathlib import Path

import pytest

from tests import terraform_here

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The usual places, moved to where nothing else lies."""
    monkeypatch.delenv(terraform_here.NAMED_BY, raising=False)
    monkeypatch.setattr(terraform_here, "USUAL", (str(tmp_path / "plugins"), str(tmp_path / "opt" / "*")))
    return tmp_path


def test_a_machine_without_the_provider_has_no_mirror(elsewhere: Path) -> None:
    (elsewhere / "plugins" / "registry.terraform.io" / "hashicorp" / "random").mkdir(parents=True)

    assert terraform_here.provider_mirror() == ""


@pytest.mark.parametrize("place", ["plugins", "opt/anything"])
def test_a_folder_with_the_provider_is_found_in_each_usual_place(elsewhere: Path, place: str) -> None:
    (elsewhere / place / terraform_here.PROVIDER).mkdir(parents=True)

    assert terraform_here.provider_mirror() == str(elsewhere / place)


def test_a_mirror_that_is_named_comes_before_the_usual_places(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "plugins" / terraform_here.PROVIDER).mkdir(parents=True)
    monkeypatch.setenv(terraform_here.NAMED_BY, "/named")

    assert terraform_here.provider_mirror() == "/named"


def test_terraform_is_told_of_the_mirror_alone(tmp_path: Path) -> None:
    text = terraform_here.configuration(tmp_path).read_text()

    assert f'path = "{terraform_here.MIRROR}"' in text
    assert "direct" not in text


def test_ci_looks_where_the_tests_look() -> None:
    script = (ROOT / ".ci" / "terraform").read_text()

    assert f"for place in {' '.join(terraform_here.USUAL)}; do" in script
    assert f"mirror=${{{terraform_here.NAMED_BY}:-}}" in script
    assert f"$place/{terraform_here.PROVIDER}" in script


def test_no_test_looks_for_a_provider_by_itself() -> None:
    own = {"terraform_here.py", Path(__file__).name}
    found = [path for path in (ROOT / "tests").rglob("*.py") if path.name not in own]

    assert len(found) > 100
    assert [str(path.relative_to(ROOT)) for path in found if "terraform/plugins" in path.read_text("utf-8")] == []
