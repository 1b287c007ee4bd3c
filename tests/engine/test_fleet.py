"""What the command line asks for when it asks for many restore points; nothing is touched yet."""

import pytest

from drproof.engine.fleet import Ticket, asked, asks_for_many
from drproof.engine.preparation import DrillRequest, Prepared, prepare, tool
from drproof.engine.refusal import Refusal
from drproof.model.codec import decode, encode
from drproof.model.criteria import Fleet

UNDER = "s3://atlas-backups/atlas/backups"
ONE, TWO = f"{UNDER}/one", f"{UNDER}/two"


def prepared(folder, **options) -> Prepared:
    given = {"target": "embedded", **options}
    return prepare(DrillRequest(plan="fleet", options=given, environment={}, directory=folder))


@pytest.mark.parametrize(
    ("options", "fleet"),
    [
        ({"backup_uri": (f"{ONE}/", TWO)}, Fleet(uris=(ONE, TWO))),
        ({"backup_uri": None, "backups_under": f"{UNDER}/"}, Fleet(under=UNDER)),
    ],
)
def test_a_fleet_is_named_or_lies_below_a_prefix(options, fleet):
    assert asks_for_many(options)
    assert asked("fleet", options)[1] == fleet


def test_one_restore_point_is_no_fleet():
    options = {"backup_uri": ONE, "backups_under": None}

    assert not asks_for_many(options)
    assert asked("backup", options) == (options, None)


@pytest.mark.parametrize(
    ("plan", "options", "said"),
    [
        ("recovery", {"backup_uri": (ONE, TWO)}, "is about one restore point"),
        ("health", {"backups_under": UNDER}, "is about one restore point"),
        ("fleet", {"backup_uri": (ONE, f"{ONE}/")}, f"{ONE} is named twice"),
        ("fleet", {"backup_uri": ONE, "backups_under": UNDER}, "exclude each other"),
        ("fleet", {"backups_under": "backups"}, "expected a URI that starts with s3://"),
        ("fleet", {"backups_under": "s3://atlas-backups"}, "expected a key prefix"),
        ("fleet", {"backup_uri": (ONE, "s3://x")}, "expected a bucket name"),
        ("fleet", {}, "names no restore point"),
    ],
)
def test_what_cannot_be_meant_is_refused(plan, options, said):
    with pytest.raises(Refusal, match=said):
        asked(plan, options)


def test_the_bar_of_a_fleet_names_the_fleet_and_no_restore_point_of_its_own(tmp_path):
    fleet = prepared(tmp_path, backups_under=f"{UNDER}/")

    assert fleet.criteria.fleet == Fleet(under=UNDER)
    assert fleet.criteria.backup.uri == fleet.settings.backup_uri == ""
    assert [row.value for row in fleet.inputs if row.name == "backups_under"] == [UNDER]
    assert "drill.backup_uri" not in {row.name for row in fleet.inputs}
    rows = {row.name: (row.subjects, row.discovers) for row in fleet.contracts}
    assert rows["archive_is_sound"] == ((), "restore point")
    assert rows["every_restore_point_is_found"] == ((), "")


def test_a_rehearsal_is_refused_for_restore_points_of_another_place(tmp_path):
    with pytest.raises(Refusal, match="the embedded world has no s3://another/backups"):
        prepared(tmp_path, backups_under="s3://another/backups")


def test_a_ticket_goes_to_another_process_as_plain_json(tmp_path):
    fleet = prepared(tmp_path, backup_uri=(ONE, TWO))
    plan = fleet.document(nonce="0" * 64, created_at="2026-01-31T12:00:00.000Z", tool=tool())
    ticket = Ticket(plan=plan, settings=fleet.settings, endpoint="http://127.0.0.1:1")

    assert decode(Ticket, encode(ticket)) == ticket
