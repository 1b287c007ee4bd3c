"""Machines of a module are of the family that images are made for, and no image of one is written down."""

from dataclasses import replace

from drproof.analysis.terraform.facts import Written
from drproof.contracts.terraform.judging import (
    Sources,
    are_handed_in,
    judged,
    module_of,
    modules,
    spoiled,
    told,
    unknown_of,
)
from drproof.formats.instance_types import ARM, architecture
from drproof.model.contract import contract
from drproof.model.verdict import Finding


@contract(
    needs=["read_terraform"], plans=["orchestrator"], subjects=modules(), applies=are_handed_in, controls=["NIST CM-2"]
)
def machines_are_of_an_arm_family(read_terraform: Sources, subject: str) -> Finding:
    """Each type of a machine, written or by default, is of an ARM family."""
    module = module_of(read_terraform, subject)
    rows = module.machines if module is not None else ()
    known = [row for row in rows if not row.why]
    wrong = [
        f"{row.at} is {row.value}, which is of no ARM family\n  next: name a type such as t4g.medium"
        for row in known
        if architecture(row.value) not in {ARM, ""}
    ]
    strange = [f"{row.at}: {row.value} is no type of a machine" for row in known if not architecture(row.value)]
    return judged(
        module, wrong=wrong, unknown=(*unknown_of(rows), *strange), seen=told(rows), expected="types of ARM families"
    )


@machines_are_of_an_arm_family.sabotage("a machine is of another family")
def other_family(read_terraform: Sources, subject: str) -> Sources:
    """Plant a machine."""
    row = Written(at="aws_instance.planted.instance_type", value="t3.medium")
    return spoiled(read_terraform, subject, lambda one: replace(one, machines=(*one.machines, row)))


@contract(
    needs=["read_terraform"], plans=["orchestrator"], subjects=modules(), applies=are_handed_in, controls=["NIST CM-2"]
)
def no_machine_image_is_written_down(read_terraform: Sources, subject: str) -> Finding:
    """No id of a machine image stands in the sources, where it would outlive the image and fit one region alone."""
    module = module_of(read_terraform, subject)
    rows = module.machine_images if module is not None else ()
    wrong = [f"{row.at} names {row.value}\n  next: hand it in as a variable without a default" for row in rows]
    return judged(module, wrong=wrong, unknown=(), seen=told(rows), expected="no id of a machine image")


@no_machine_image_is_written_down.sabotage("an id is written down")
def written_down(read_terraform: Sources, subject: str) -> Sources:
    """Plant an id."""
    row = Written(at="aws_instance.planted.ami", value="ami-0123456789abcdef0")
    return spoiled(read_terraform, subject, lambda one: replace(one, machine_images=(*one.machine_images, row)))
