"""The sources of Terraform that were handed in, read file by file: what they say, and how much of them was read."""

import hashlib
from dataclasses import dataclass

from drproof.analysis.terraform.facts import ModuleRead, SourceFile
from drproof.analysis.terraform.reading_modules import LOCK_FILE, read
from drproof.analysis.terraform.sources import Source
from drproof.formats import hcl
from drproof.formats.hcl import Block
from drproof.model.collection import HandedFile, ModuleHanded
from drproof.model.context import Context
from drproof.model.errors import FormatError
from drproof.model.phase import phase

READ = (".tf", ".tfvars")
NOT_READ = (".tf.json", ".tfvars.json", ".tofu", ".tofu.json")
"""Other spellings of sources, which are not understood."""
OVERRIDE = ("override.tf", "_override.tf")


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformObserved:
    """The modules that were handed in, as far as they could be read."""

    modules: tuple[ModuleRead, ...]


@phase(
    plans={"orchestrator"},
    objective_ms=60_000,
    command_hint="pytest -m orchestrator-check --terraform-dir deploy/terraform/orchestrator",
)
def read_terraform(ctx: Context) -> TerraformObserved:
    """Each source of each module that was handed in has been read, or it is said why not."""
    if not ctx.collection.modules:
        ctx.say("no module is handed in: --terraform-dir names the folder of its sources")
    sources = [_source(module) for module in ctx.collection.modules]
    for source in sources:
        for file in source.files:
            if file.problem:
                ctx.say(f"{source.name}/{file.name}: {file.problem}")
    return TerraformObserved(modules=read(sources, ctx.plan.criteria.guardrails.trigger_variable))


def _source(module: ModuleHanded) -> Source:
    seen: list[SourceFile] = []
    parsed: dict[str, Block] = {}
    for file in module.files:
        block, problem = _parsed(file)
        if block is not None:
            parsed[file.name] = block
        seen.append(
            SourceFile(
                name=file.name,
                sha256=hashlib.sha256(file.data).hexdigest(),
                bytes=len(file.data),
                blocks=sum(1 for top in block.blocks for _ in top.all_blocks()) if block is not None else 0,
                problem=problem,
            )
        )
    return Source(name=module.name, place=module.place, files=tuple(seen), parsed=parsed)


def _parsed(file: HandedFile) -> tuple[Block | None, str]:
    if file.problem:
        return None, file.problem
    if file.name.endswith(NOT_READ):
        return None, "this spelling of sources is not understood"
    if file.name == OVERRIDE[0] or file.name.endswith(OVERRIDE[1]):
        return None, "what overrides another source is not understood"
    if not file.name.endswith(READ) and file.name != LOCK_FILE:
        return None, "no source of Terraform"
    try:
        return hcl.parse(file.data), ""
    except FormatError as exc:
        return None, str(exc)
