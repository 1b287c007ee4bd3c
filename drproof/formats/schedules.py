"""When something runs: a cron line of five fields in UTC, or the duration from one run to the next."""

import re
from datetime import timedelta
from itertools import pairwise, takewhile

from drproof.formats import durations
from drproof.formats.timestamps import EPOCH
from drproof.model.errors import FormatError

CRON = re.compile(r"[0-9A-Za-z*,/#-]+(?: [0-9A-Za-z*,/#-]+){4}", re.ASCII)
DAY = timedelta(days=1)
HORIZON = timedelta(days=8 * 365 + 2)
"""The 29th of February comes every four years; what comes more seldom is no schedule to wait for."""

WEEKS = timedelta(days=15)
"""From any day on, each day of a week and the time to the next of its kind."""

MILLISECOND = timedelta(milliseconds=1)


def longest_gap_ms(text: str) -> int:
    """Return the longest time between two runs, in milliseconds.

    Raises:
        FormatError: `schedule`: it is neither cron line nor duration, or never comes twice.
    """
    if " " not in text:
        try:
            every = durations.parse(text)
        except FormatError as exc:
            raise _no_schedule(text) from exc
        if not every:
            raise _no_schedule(text)
        return every
    if not CRON.fullmatch(text):
        raise _no_schedule(text)
    minute, hour, day, month, weekday = text.split(" ")
    # Time of day and date are independent of each other in a cron line, and UTC has no clock changes: the gaps within
    # one day and those between two days are all the gaps there are.
    times = _fires(f"{minute} {hour} * * *", DAY, text)
    weekly = (day, month) == ("*", "*") and not re.search("[#Ll]", weekday)
    dates = _fires(f"0 0 {day} {month} {weekday}", WEEKS if weekly else HORIZON, text)
    if len(dates) == 1:
        raise FormatError("schedule", f"the schedule {text!r} does not come twice within eight years")
    within = max((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))
    between = max(later - earlier for earlier, later in pairwise(dates))
    return max(within, between - (times[-1] - times[0])) // MILLISECOND


def _fires(expression: str, horizon: timedelta, text: str) -> list[timedelta]:
    """Return when a cron line fires, counted from midnight, up to a horizon; never nothing."""
    # Only settings have schedules: verifying a bundle needs no cron.
    from cronsim import CronSim, CronSimError

    try:
        fires = CronSim(expression, EPOCH - timedelta(minutes=1))
        found = [moment - EPOCH for moment in takewhile(lambda moment: moment - EPOCH < horizon, fires)]
    except CronSimError as exc:
        raise FormatError("schedule", f"the schedule {text!r}: {exc}") from exc
    if not found:
        raise FormatError("schedule", f"the schedule {text!r} does not come within eight years")
    return found


def _no_schedule(text: str) -> FormatError:
    return FormatError(
        "schedule", f"expected a cron line of five fields in UTC such as '0 13 * * *', or a duration, got {text!r}"
    )
