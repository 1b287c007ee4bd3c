"""A pytest plugin that spoils one thing of a drill from inside its process: `-p tests.drill.interfere`."""

# A file that replaces methods of the program under test is nothing for a type checker.
# mypy: ignore-errors

import os
import signal

from drproof.engine import opening, record
from drproof.evidence import journal
from drproof.model.capabilities import Intent
from drproof.model.errors import ThrottledError, UnansweredError
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.aws.sns import AwsMessenger
from drproof.targets.aws.ssm import AwsHosts
from drproof.targets.aws.sts import AwsIdentity

WHAT = os.environ["INTERFERE"]


def rewrite_a_receipt():
    write = record.Record.write

    def spoiled(self, phase, *given, **more):
        receipt = write(self, phase, *given, **more)
        if phase == "notify":
            path = self.directory / "receipts" / "06-validate.json"
            path.write_bytes(path.read_bytes().replace(b'"exit_status":0', b'"exit_status":7'))
        return receipt

    record.Record.write = spoiled


def lose_a_receipt():
    write = record.Record.write
    state = {"left": 1}

    def full(self, phase, *given, **more):
        if phase == "inspect_runner" and state["left"]:
            state["left"] = 0
            raise OSError(28, "No space left on device")
        return write(self, phase, *given, **more)

    record.Record.write = full


def lose_the_receipt_of_the_message():
    write = record.Record.write

    def full(self, phase, *given, **more):
        if phase == "notify":
            raise OSError(28, "No space left on device")
        return write(self, phase, *given, **more)

    record.Record.write = full


def silence_the_platform_once_before_the_teardown():
    caller, write = AwsIdentity.caller, record.Record.write
    state = {"silent": 0}

    def written(self, phase, *given, **more):
        if phase == "promote":
            state["silent"] = 1
        return write(self, phase, *given, **more)

    def silent(self):
        if state["silent"]:
            state["silent"] = 0
            raise ThrottledError("Rate exceeded", code="Throttling")
        return caller(self)

    AwsIdentity.caller = silent
    record.Record.write = written


def interrupt_a_flush():
    fsync, state = os.fsync, {"count": 0}

    def flushed(descriptor):
        fsync(descriptor)
        state["count"] += 1
        if state["count"] == 25:
            os.kill(os.getpid(), signal.SIGTERM)

    journal.os = type("os", (), {**{n: getattr(os, n) for n in dir(os)}, "fsync": staticmethod(flushed)})


def die_after_the_seal():
    def die(self, *, keep):
        os.kill(os.getpid(), signal.SIGKILL)

    opening.Opened.let_go = die


def throttle_the_second_look():
    run, state = AwsHosts.run, {"left": 1}

    def throttled(self, intent, instance_id, command, **more):
        if intent.resource.endswith("look-after") and state["left"]:
            state["left"] = 0
            raise ThrottledError("Rate exceeded", code="ThrottlingException")
        return run(self, intent, instance_id, command, **more)

    AwsHosts.run = throttled


def lose_the_answer_of_a_message():
    publish, state = AwsMessenger.publish, {"left": 1}

    def unanswered(self, *given):
        message_id = publish(self, *given)
        if state["left"]:
            state["left"] = 0
            raise UnansweredError("read timed out", code="ReadTimeoutError")
        return message_id

    AwsMessenger.publish = unanswered


def lose_the_answer_of_the_machine():
    wait, state = AwsFleet.wait_until, {"left": 1}

    def unanswered(self, *given, **more):
        if state["left"]:
            state["left"] = 0
            raise ThrottledError("Request limit exceeded", code="RequestLimitExceeded")
        return wait(self, *given, **more)

    AwsFleet.wait_until = unanswered


def put_a_strangers_object():
    write = record.Record.write

    def beside(self, phase, *given, **more):
        receipt = write(self, phase, *given, **more)
        if phase == "restore_state":
            STORES[-1].put(
                Intent(number=0, verb="stranger", resource="", token="0" * 32),
                "atlas-recovery",
                f"{receipt.observed.prefix}/somebody-else.txt",
                b"not yours",
            )
        return receipt

    put = AwsObjectStore.put

    def remembered(self, *given, **more):
        STORES.append(self)
        return put(self, *given, **more)

    AwsObjectStore.put = remembered
    record.Record.write = beside


def say_a_secret():
    run = AwsHosts.run

    def said(self, intent, instance_id, command, **more):
        result = run(self, intent, instance_id, command, **more)
        if intent.resource.endswith("host_answers"):
            return type(result)(
                command_id=result.command_id, status=result.status, exit_status=0, stdout=SECRETS[-1], stderr=""
            )
        return result

    open_target = opening._target

    def opened(*given):
        target = open_target(*given)
        SECRETS.extend(target.secrets)
        return target

    AwsHosts.run = said
    opening._target = opened


STORES, SECRETS = [], []

{
    "look": throttle_the_second_look,
    "message": lose_the_answer_of_a_message,
    "machine": lose_the_answer_of_the_machine,
    "object": put_a_strangers_object,
    "secret": say_a_secret,
    "rewrite": rewrite_a_receipt,
    "lose": lose_a_receipt,
    "told": lose_the_receipt_of_the_message,
    "silence": silence_the_platform_once_before_the_teardown,
    "flush": interrupt_a_flush,
    "sealed": die_after_the_seal,
}[WHAT]()
