"""A pytest plugin that spoils one thing of a drill from inside its process: `-p tests.drill.interfere`."""

import os
import signal

from drproof.engine import opening, record
from drproof.evidence import journal

WHAT = os.environ["INTERFERE"]


def once(act):
    state = {"done": False}

    def first(*given):
        if not state["done"]:
            state["done"] = True
            act(*given)

    return first


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
        if phase == "validate" and state["left"]:
            state["left"] = 0
            raise OSError(28, "No space left on device")
        return write(self, phase, *given, **more)

    record.Record.write = full


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


{
    "rewrite": rewrite_a_receipt,
    "lose": lose_a_receipt,
    "flush": interrupt_a_flush,
    "sealed": die_after_the_seal,
}[WHAT]()
