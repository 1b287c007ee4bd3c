"""A pytest plugin that plants secrets where a drill meets words of others: `-p tests.drill.planting`."""

# A file that replaces functions of the program under test is nothing for a type checker.
# mypy: ignore-errors

import base64
import json
import os
from dataclasses import replace
from urllib.parse import quote

from drproof.model.errors import TargetError
from drproof.phases.backup.read_restore_point import read_restore_point
from drproof.phases.health.check_health import check_health
from drproof.phases.recovery import validate as validation
from drproof.phases.recovery.notify import notify
from drproof.report import derived
from tests.drill.plants import grow

PLANTS = grow(int(os.environ["PLANTS_SEED"]))
SHOWN = [plant.shown for plant in PLANTS]


def _wrapped(phase, act):
    before = phase.act
    phase.act = lambda ctx: act(ctx, before)


def tell_the_log_and_the_journal():
    def act(ctx, before):
        for shown in SHOWN:
            ctx.say(f"the platform says {shown}")
            with ctx.effects.intend("test.plant", f"s3://bucket/{len(shown)}", {"said": shown}) as pending:
                pending.done(answer=json.dumps({"line": shown}))
        return before(ctx)

    _wrapped(check_health, act)


def observe_them():
    def act(ctx, before):
        return replace(before(ctx), message=json.dumps({"lines": SHOWN}), subject="\n".join(SHOWN))

    _wrapped(notify, act)


def let_the_job_print_them():
    validation._log = lambda *_, **__: "\n".join(SHOWN)


def let_the_target_refuse_with_them():
    def act(ctx, before):
        del before, ctx
        encoded = "\n".join(quote(shown, safe="") for shown in SHOWN)
        raise TargetError(f"the platform says {SHOWN[0]}\n{encoded}", code="Unknown", call=SHOWN[2])

    _wrapped(check_health, act)


def fail_as_a_defect_with_them():
    def act(ctx, before):
        before(ctx)
        text = "\n".join(base64.b64encode(shown.encode()).decode() for shown in SHOWN)
        held = {"inner": SHOWN}
        raise RuntimeError(f"{text}\n{held}")

    _wrapped(read_restore_point, act)


def store_them_in_the_restore_point():
    def act(ctx, before):
        objects = ctx.target.primary.objects
        read = objects.read

        def spoiled(bucket, key, **rest):
            info, data = read(bucket, key, **rest)
            if key.endswith("metadata.json"):
                document = json.loads(data)
                document["backup_uri"] = f"s3://bucket/{SHOWN[0]}"
                document["created_at"] = json.dumps(SHOWN)
                document["notes"] = SHOWN
                data = json.dumps(document).encode()
            return info, data

        objects.read = spoiled
        try:
            return before(ctx)
        finally:
            objects.read = read

    _wrapped(read_restore_point, act)


def write_them_into_what_is_derived():
    files = derived.files
    derived.files = lambda *told, **said: {**files(*told, **said), "notes.txt": "\n".join(SHOWN).encode()}


for name in os.environ["PLANTS_PLACES"].split(","):
    globals()[name]()
