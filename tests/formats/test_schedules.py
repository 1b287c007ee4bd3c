"""How far apart two runs of a schedule can be."""

import pytest

from drproof.formats import schedules
from drproof.formats.schedules import HORIZON, longest_gap_ms
from drproof.model.errors import FormatError

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("0 13 * * *", DAY),
        ("* * * * *", MINUTE),
        ("*/15 * * * *", 15 * MINUTE),
        ("*/7 * * * *", 7 * MINUTE),
        ("0,30 9 * * *", 23 * HOUR + 30 * MINUTE),
        ("0 9-17 * * *", 16 * HOUR),
        ("0 6,7,20 * * *", 13 * HOUR),
        ("0 0 * * MON", 7 * DAY),
        ("0 9 * * 1-5", 3 * DAY),
        ("0 9,17 * * 1-5", 2 * DAY + 16 * HOUR),
        ("0 0 1 * *", 31 * DAY),
        ("0 0 31 * *", 61 * DAY),
        ("0 0 L * *", 31 * DAY),
        ("0 0 29 2 *", 1461 * DAY),
        ("0 0 1 * MON", 7 * DAY),
        ("15m", 15 * MINUTE),
        ("1d", DAY),
        ("500ms", 500),
    ],
)
def test_the_longest_gap_is_that_between_the_two_runs_that_are_furthest_apart(text, gap):
    assert longest_gap_ms(text) == gap


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "daily",
        "@daily",
        "0s",
        "13",
        "-1h",
        "0 13 * *",
        "0 0 13 * * *",
        "0  13 * * *",
        "0 13 * * * ",
        "60 * * * *",
        "0 24 * * *",
        "0 13 0 * *",
        "0 13 * 13 *",
        "0 13 * * 8",
        "0 13 30 2 *",
        "*/0 * * * *",
        "5-1 * * * *",
        "0 13 * * MOON",
        "0 13 ? * *",
        "0 13 * * *\n",
        "rate(15 minutes)",
        "cron(0 13 * * ? *)",
        "\N{ARABIC-INDIC DIGIT ZERO} 13 * * *",
    ],
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(FormatError) as caught:
        longest_gap_ms(text)

    assert caught.value.code == "schedule"
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "weekday", ["*", "0", "7", "1-5", "SAT", "mon,wed", "*/2", "1,3,5", "6-7", "0-6/3", "2#1", "5L", "1#5"]
)
def test_what_repeats_weekly_is_counted_over_weeks_as_it_would_be_over_years(monkeypatch, weekday):
    schedule = f"0 9,21 * * {weekday}"
    short = longest_gap_ms(schedule)

    monkeypatch.setattr(schedules, "WEEKS", HORIZON)

    assert longest_gap_ms(schedule) == short
