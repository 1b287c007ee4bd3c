"""Durations, booleans, instants, places and images: what operators type, read one way or refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drproof.formats import booleans, durations, image_ref, s3_uri, timestamps
from drproof.model.errors import FormatError

HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("90s", 90_000),
        ("1h30m", 5_400_000),
        ("36h", 129_600_000),
        ("200ms", 200),
        ("1d2h3m4s5ms", 93_784_005),
        ("0s", 0),
        ("1m1ms", 60_001),
    ],
)
def test_a_duration_is_read(text, milliseconds):
    assert durations.parse(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1",
        "h",
        "1.5h",
        "-1s",
        "+1s",
        "1 h",
        "1h ",
        "1h\n",
        "1m1h",
        "1h1h",
        "1w",
        "1H",
        "1e3s",
        "٣s",
        "1" * 10 + "s",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(FormatError, match="duration|units") as caught:
        durations.parse(text)
    assert caught.value.code == "duration"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (4_299, "4.2 s"),
        (59_999, "59.9 s"),
        (60_000, "1 min"),
        (61_000, "1 min 1 s"),
        (3_599_999, "59 min 59 s"),
        (3_600_000, "1 h"),
        (5_400_000, "1 h 30 min"),
        (86_399_999, "23 h 59 min"),
        (86_400_000, "1 d"),
        (90_000_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_shown_with_two_units_at_most(milliseconds, text):
    assert durations.show(milliseconds) == text


@pytest.mark.parametrize("text", ["1", "true", "YES", "y", " True "])
def test_a_word_for_true_is_true(text):
    assert booleans.parse(text) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "n", "FALSE\n"])
def test_a_word_for_false_is_false(text):
    assert booleans.parse(text) is False


@pytest.mark.parametrize("text", ["", " ", "2", "on", "off", "t", "ja", "truefalse", "null"])
def test_any_other_word_is_no_boolean_the_empty_one_included(text):
    with pytest.raises(FormatError) as caught:
        booleans.parse(text)
    assert caught.value.code == "boolean"


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1969-12-31T23:59:59.500Z", -500),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-01-31T12:00:00.123456789Z", 1_769_860_800_123),
        ("2026-01-31T13:00:00+01:00", 1_769_860_800_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999),
        ("2024-02-29T00:00:00-00:00", 1_709_164_800_000),
    ],
)
def test_an_instant_is_exact_to_the_millisecond_before_and_after_1970(text, milliseconds):
    assert timestamps.milliseconds(text) == milliseconds


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_every_instant_is_read_as_it_was_written(moment):
    text = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    assert timestamps.parse(text) == moment
    assert timestamps.milliseconds(text) == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "now",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00z",
        "2026-01-31T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T12:00:00+99:00",
        "0001-01-01T00:00:00+23:00",
        "2026-01-31T12:00:00Z\n",
        "٢026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.Z",
    ],
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(FormatError) as caught:
        timestamps.parse(text)
    assert caught.value.code == "timestamp"


def test_a_compact_instant_has_all_of_its_digits():
    assert timestamps.parse_compact("20260131T120000Z") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    for text in (
        "2026131T120000Z",
        "20260131T12000Z",
        "20260131T120000",
        "20260231T120000Z",
        " 20260131T120000Z",
        "٢0260131T120000Z",
    ):
        with pytest.raises(FormatError):
            timestamps.parse_compact(text)


def test_a_place_has_bucket_and_key_without_slashes_at_its_ends():
    place = s3_uri.parse("s3://bucket-1/a/backups/one/")

    assert (place.bucket, place.key) == ("bucket-1", "a/backups/one")
    assert str(place) == "s3://bucket-1/a/backups/one"
    assert place.join("x") == "a/backups/one/x"
    assert place.control_plane_prefix == "a/control-plane"
    assert s3_uri.parse("s3://bkt/a/b/backups/backups/1").control_plane_prefix == "a/b/control-plane"
    assert s3_uri.parse("s3://bkt/backups/backups/1").control_plane_prefix == "backups/control-plane"


@pytest.mark.parametrize("uri", ["s3://bkt/backups/one", "s3://bkt/one", "s3://bkt/a/b"])
def test_a_place_without_backups_below_something_has_no_control_plane(uri):
    with pytest.raises(FormatError, match="backups/id"):
        _ = s3_uri.parse(uri).control_plane_prefix


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "bucket/key",
        "https://b/k",
        "S3://bkt/k",
        "s3://",
        "s3://bkt",
        "s3://bkt/",
        "s3://bkt//",
        "s3://B/k",
        "s3://bk_t/k",
        "s3:///k",
    ]
    + ["s3://bkt/../k", "s3://bkt/a/../../k", "s3://bkt/a\nb", "s3://-bkt/k", "s3://bkt\n/k"],
)
def test_what_is_no_place_is_refused(uri):
    with pytest.raises(FormatError) as caught:
        s3_uri.parse(uri)
    assert caught.value.code == "s3-uri"


def test_an_image_is_pinned_by_its_digest():
    image = image_ref.parse_pinned(f"111122223333.dkr.ecr.us-east-1.amazonaws.com/a/b@sha256:{HEX}")

    assert image.digest == f"sha256:{HEX}"
    assert image.registry == ("111122223333", "us-east-1", "a/b")
    assert image_ref.parse_pinned(f"atlas/runner@sha256:{HEX}").registry == ("", "", "")


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("a", "a", ""),
        ("localhost:5000/atlas", "localhost:5000/atlas", ""),
        ("atlas:v1", "atlas", "v1"),
        ("registry.example:443/a/b__c-d.e:2026.11_1-rc", "registry.example:443/a/b__c-d.e", "2026.11_1-rc"),
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/a:v1", "111122223333.dkr.ecr.us-east-1.amazonaws.com/a", "v1"),
    ],
)
def test_host_repository_and_tag_are_told_apart(name, repository, tag):
    image = image_ref.parse_pinned(f"{name}@sha256:{HEX}")

    assert (image.repository, image.tag) == (repository, tag)


@pytest.mark.parametrize(
    "reference",
    ["", "a", "a:latest", f"@sha256:{HEX}", f"a@sha256:{HEX[1:]}", f"a@sha256:{HEX}0", f"ab@sha512:{HEX}"]
    + [
        f"ab@sha256:{HEX.upper()}",
        f"ab@sha256:{HEX}\n",
        f" ab@sha256:{HEX}",
        f"ab/@sha256:{HEX}",
        f"ab@cd@sha256:{HEX}",
        f"/ab@sha256:{HEX}",
        f"ab//cd@sha256:{HEX}",
        f"ab/Cd@sha256:{HEX}",
        f"AB@sha256:{HEX}",
        f"ab:@sha256:{HEX}",
        f"ab:v1:v2@sha256:{HEX}",
        f"ab..cd@sha256:{HEX}",
        f"ab___cd@sha256:{HEX}",
        f"-ab/cd@sha256:{HEX}",
        f"ab:x/cd@sha256:{HEX}",
        f"ab:{'v' * 129}@sha256:{HEX}",
        f"https://ab/cd@sha256:{HEX}",
    ],
)
def test_an_image_that_somebody_could_exchange_is_refused(reference):
    with pytest.raises(FormatError) as caught:
        image_ref.parse_pinned(reference)
    assert caught.value.code == "image-not-pinned"
