"""A pytest plugin that makes a teardown go wrong from inside its process: `-p tests.drill.meddle`."""

# A file that replaces functions of the program under test is nothing for a type checker.
# mypy: ignore-errors

import os

from drproof.model.errors import TargetError, ThrottledError
from drproof.targets.provisioners import direct, terraform

PROVISIONERS = (direct, terraform)
SLOWER = ThrottledError("Request limit exceeded", code="RequestLimitExceeded")


def end_every_runner_and_lose_the_answer():
    def end_by_name(fleet, intent, spec, *_, timeout_ms):
        found = fleet.runners({"Name": spec.name})
        for runner in found:
            fleet.terminate(intent, runner.instance_id)
        for runner in found:
            fleet.wait_until(runner.instance_id, "terminated", timeout_ms=timeout_ms)
        if found:
            raise SLOWER
        return ()

    for provisioner in PROVISIONERS:
        provisioner.end_all = end_by_name


def never_end_a_machine():
    def refused(*_, **__):
        raise TargetError("the machines cannot be ended", code="UnauthorizedOperation")

    for provisioner in PROVISIONERS:
        provisioner.end_all = refused


{"every-runner": end_every_runner_and_lose_the_answer, "no-machine": never_end_a_machine}[os.environ["MEDDLE"]]()
