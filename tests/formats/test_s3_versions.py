"""Listings with versions: what lies there now, and what each object was before."""

from typing import Any

from drproof.formats.s3_listing import parse

NOW, BEFORE, FIRST = ("a" * 32, "b" * 32, "c" * 32)


def version(etag: str, at: str, *, latest: bool = False, key: str = "k") -> dict[str, Any]:
    return {"Key": key, "Size": 1, "ETag": f'"{etag}"', "LastModified": at, "IsLatest": latest}


def earlier(*rows: dict[str, Any]) -> list[str | None]:
    return [one.earlier_md5 for one in parse({"Versions": list(rows)})]


def test_the_version_before_is_the_youngest_that_is_not_the_latest():
    now = version(NOW, "2026-05-05T09:30:17+00:00", latest=True)
    before = version(BEFORE, "2026-05-05T09:30:17+00:00")
    first = version(FIRST, "2026-05-04T09:30:17+00:00")

    assert earlier(now, before, first) == [BEFORE]
    assert earlier(now, first, before) == [BEFORE]
    assert earlier(now, version(FIRST, "2026-05-05T09:30:17+00:00"), before) == [FIRST], (
        "of one second the first listed"
    )


def test_what_was_taken_away_in_between_was_nothing_before():
    now = version(NOW, "2026-05-05T09:30:17+00:00", latest=True)
    before = version(BEFORE, "2026-05-04T09:30:17+00:00")

    def with_marker(at: str) -> list[str | None]:
        marker = {"Key": "k", "IsLatest": False, "LastModified": at}
        return [one.earlier_md5 for one in parse({"Versions": [now, before], "DeleteMarkers": [marker]})]

    assert with_marker("2026-05-05T09:00:00+00:00") == [""]
    assert with_marker("2026-05-04T09:30:17+00:00") == [""], "of one second nobody knows which was first"
    assert with_marker("2026-05-03T09:30:17+00:00") == [BEFORE]


def test_what_was_never_written_before_or_in_parts_has_no_digest_and_a_plain_listing_tells_nothing():
    now = version(NOW, "2026-05-05T09:30:17+00:00", latest=True)
    other = version(BEFORE, "2026-05-04T09:30:17+00:00", key="other")
    parts = version(f"{BEFORE}-2", "2026-05-04T09:30:17+00:00")

    assert earlier(now, other) == [""]
    assert earlier(now, parts) == [""]
    assert [one.earlier_md5 for one in parse({"Contents": [now]})] == [None]
