"""The settings that the pages show are settings: a live drill and a function run by them as they stand."""

import re
from pathlib import Path

import pytest

from drproof import catalog
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import Refusal
from drproof.orchestrator.demands import refuse_what_no_function_runs_by
from drproof.orchestrator.package import PackageError, told
from drproof.targets.provisioners import modules
from tests.orchestrator.test_package import with_people

DOCS = Path(__file__).resolve().parents[2] / "docs"
MODULE = DOCS.parent / "deploy" / "terraform" / "recovery"
HEADER = re.compile(r"^\[[^\[].*?\]", re.MULTILINE)


def shown(page: str, heading: str) -> str:
    """Return the settings that a page shows below a heading, with what it leaves to the reader filled in."""
    section = (DOCS / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    (text,) = re.findall(r"```toml\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return text.replace("sha256:…", f"sha256:{'a' * 64}").replace('sha256 = "…"', f'sha256 = "{"b" * 64}"')


def added(text: str, more: str) -> str:
    """Write the lines of the second file into the tables of the first, as the page says."""
    starts = [found.start() for found in HEADER.finditer(more)]
    for start, end in zip(starts, [*starts[1:], len(more)], strict=True):
        head, _, lines = more[start:end].partition("\n")
        (name,) = HEADER.findall(head)
        there = re.search(rf"^{re.escape(name)}.*\n", text, re.MULTILINE)
        names = {line.partition(" = ")[0] for line in lines.splitlines() if " = " in line}
        if there is None:
            text += f"\n{name}\n{lines}"
            continue
        after, until = text[there.end() :], HEADER.search(text, there.end())
        table = text[there.end() : until.start() if until else len(text)]
        kept = [line for line in table.splitlines() if line.partition(" = ")[0] not in names]
        text = text[: there.end()] + "\n".join([*lines.strip().splitlines(), *kept]) + "\n" + after[len(table) :]
    return text


def live() -> str:
    return shown("runbook-recovery.md", "Before")


def deployed() -> str:
    return shown("deploying.md", "What the settings must say")


def test_a_live_drill_is_prepared_by_the_settings_of_the_runbook_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "drproof.toml").write_text(live())

    request = DrillRequest(
        plan=catalog.RECOVERY, options={"allow_full_drill": True}, environment={}, directory=tmp_path
    )

    prepared = prepare(request)

    assert prepared.mode == "live"
    told = prepared.settings.recovery.provisioner
    # What the opening of the target asks: the module that a real account gets has all that it pins.
    module = modules.chosen(told.module, told.variables, told.provider_mirror, rehearsal=False)
    assert module.name == modules.SHIPPED
    written = MODULE.joinpath("variables.tf").read_text(encoding="utf-8")
    declared = set(re.findall(r'^variable "(\w+)"', written, re.MULTILINE))
    assert {*told.variables} <= declared
    (disk,) = re.findall(r'variable "root_volume_gb" \{.*?default += (\d+)', written, re.DOTALL)
    assert prepared.settings.cost.ebs_root_gb == int(disk), "the cost note speaks of the disk that is made"


@pytest.mark.parametrize("plan", [catalog.RECOVERY, catalog.PREFLIGHT])
@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("", True),
        ('module = "aws"\n', True),
        ('module = "own"\n', False),
        ('kind = "direct"\n', False),
        ('allowed_cidr = "203.0.113.7/32"\n', False),
    ],
)
def test_a_machine_that_lets_nobody_in_is_refused_before_it_is_paid_for(
    plan: str, said: str, refused: bool, tmp_path: Path
) -> None:
    text = re.sub(r"^allowed_cidr.*\n", "", live(), flags=re.MULTILINE)
    head = "[recovery.provisioner]\n"
    (tmp_path / "drproof.toml").write_text(text.replace(head, head + said))
    options = {"allow_full_drill": True} if plan == catalog.RECOVERY else {}
    request = DrillRequest(plan=plan, options=options, environment={}, directory=tmp_path)

    if not refused:
        assert prepare(request).mode == "live"
        return
    with pytest.raises(Refusal, match=r"(?s)nobody could reach.*allowed_cidr.*next: .*203\.0\.113\.7/32.*ssm"):
        prepare(request)

    asked_there = text.replace("[recovery]\n", '[recovery]\ncluster_access = "ssm"\n')
    (tmp_path / "drproof.toml").write_text(asked_there)
    assert prepare(request).mode == "live"


def test_functions_run_by_the_settings_of_both_pages(tmp_path: Path) -> None:
    file = with_people(tmp_path, added(live(), deployed()))

    refuse_what_no_function_runs_by(file, told(file))


@pytest.mark.parametrize("line", [line for line in deployed().splitlines() if " = " in line])
def test_each_setting_that_the_page_asks_for_is_one_without_which_no_function_runs(line: str, tmp_path: Path) -> None:
    file = with_people(tmp_path, added(live(), deployed()))
    without = deployed().replace(f"{line}\n", "")
    file.write_text(added(re.sub(r"^signer = .*\n", "", live(), flags=re.MULTILINE), without))

    with pytest.raises((Refusal, PackageError), match="next:"):
        refuse_what_no_function_runs_by(file, told(file))


def test_the_keys_that_the_page_names_are_those_that_the_module_makes_for_its_project() -> None:
    page = (DOCS / "deploying.md").read_text(encoding="utf-8")
    module = (DOCS.parent / "deploy" / "terraform" / "orchestrator" / "main.tf").read_text(encoding="utf-8")
    (project,) = re.findall(r"-var project=(\w+)", page)
    (name,) = re.findall(r'^  name +=\s"(\$\{var\.project\}.+)"$', module, re.MULTILINE)

    made = {
        one.replace("${local.name}", name.replace("${var.project}", project))
        for one in re.findall(r'"(alias/.+)"', module)
    }

    assert len(made) == 2
    assert {f"awskms:{one}" for one in made} == set(re.findall(r'= "(awskms:.+)"', deployed()))


def test_the_command_that_begins_says_all_that_the_backend_leaves_open() -> None:
    page = (DOCS / "deploying.md").read_text(encoding="utf-8")
    said = set(re.findall(r"-backend-config=(\w+)=", page.partition("## ")[0]))
    block = (DOCS.parent / "deploy" / "terraform" / "orchestrator" / "versions.tf").read_text(encoding="utf-8")
    (backend,) = re.findall(r'backend "s3" \{\n(.*?)\n  \}', block, re.DOTALL)

    # Without a region Terraform begins only where a shell names one: `Missing region value`.
    assert said | set(re.findall(r"(\w+) +=", backend)) >= {"bucket", "key", "region", "use_lockfile"}
