"""When schedules are due: what is written wrongly, and clocks that are set forward and back."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput
from wiseflow.jobs.cron import check_cron, check_time_zone, next_time


def due(cron: str, zone: str, after: str, count: int) -> list[str]:
    """The next due times after a moment in UTC, as the clock on the wall with its offset."""
    at, found = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp(), []
    for _ in range(count):
        at = next_time(cron, zone, at)
        assert at is not None
        local = datetime.fromtimestamp(at, ZoneInfo(zone))
        found.append(local.strftime("%m-%d %H:%M %z"))
    return found


# 2026-03-29: 02:00 +01 → 03:00 +02. 2026-10-25: 03:00 +02 → 02:00 +01.
BERLIN = "Europe/Berlin"
# 2026-10-04: 02:00 +10:30 → 02:30 +11. 2026-04-05: 02:00 +11 → 01:30 +10:30.
LORD_HOWE = "Australia/Lord_Howe"
# 2026-04-24: 00:00 +02 → 01:00 +03.
CAIRO = "Africa/Cairo"


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # A time that is jumped over is due right after the jump, once.
        ("30 2 * * *", BERLIN, "2026-03-28T12:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("0,30 2 * * *", BERLIN, "2026-03-29T00:30", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("15 2 * * *", LORD_HOWE, "2026-10-03T00:00", ["10-04 02:30 +1100", "10-05 02:15 +1100"]),
        ("0 0 * * *", CAIRO, "2026-04-23T12:00", ["04-24 01:00 +0300", "04-25 00:00 +0300"]),
        # One that is shown twice is due the first time.
        ("30 2 * * *", BERLIN, "2026-10-24T12:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-04T00:00", ["04-05 01:45 +1100", "04-06 01:45 +1030"]),
        # Asked between the two, it has been.
        ("30 2 * * *", BERLIN, "2026-10-25T01:10", ["10-26 02:30 +0100"]),
        # What repeats goes by the time that passes.
        ("*/30 * * * *", BERLIN, "2026-03-29T00:15", ["03-29 01:30 +0100", "03-29 03:00 +0200"]),
        (
            "*/30 2 * * *",
            BERLIN,
            "2026-10-24T23:30",
            ["10-25 02:00 +0200", "10-25 02:30 +0200", "10-25 02:00 +0100", "10-25 02:30 +0100"],
        ),
        ("0 * * * *", LORD_HOWE, "2026-10-03T14:45", ["10-04 03:00 +1100", "10-04 04:00 +1100"]),
        (
            "*/15 * * * *",
            LORD_HOWE,
            "2026-04-04T14:35",
            ["04-05 01:45 +1100", "04-05 01:30 +1030", "04-05 01:45 +1030", "04-05 02:00 +1030"],
        ),
        # Names, days by their names, and the last day of a month.
        ("@daily", BERLIN, "2026-06-01T12:00", ["06-02 00:00 +0200"]),
        ("0 7 * * MON", BERLIN, "2026-06-02T12:00", ["06-08 07:00 +0200"]),
        ("0 0 L * *", "UTC", "2028-02-10T00:00", ["02-29 00:00 +0000", "03-31 00:00 +0000"]),
    ],
)
def test_due_times_around_changes_of_the_clock(cron, zone, after, expected):
    assert due(check_cron(cron), zone, after, len(expected)) == expected


@given(
    st.sampled_from([BERLIN, LORD_HOWE, CAIRO, "America/New_York", "Asia/Kathmandu"]),
    st.sampled_from(["30 2 * * *", "0-59 1 * * *", "*/7 * * * *", "0 0 * * SUN", "@hourly"]),
    st.integers(1_700_000_000, 1_900_000_000),
)
def test_the_next_time_is_always_later_and_nothing_lies_between(zone, cron, after):
    found = next_time(cron, zone, after)

    assert found is not None
    assert found > after
    # Asked a moment before it, it is the same: no due time lies between.
    assert next_time(cron, zone, found - 1) == found


@pytest.mark.parametrize(
    ("cron", "place", "nearest"),
    [
        ("61 * * * *", "'61' is no minute (field 1)", "'59 * * * *'"),
        ("0 7 * * MOM", "'MOM' is no day of the week (field 5)", "'0 7 * * MON'"),
        ("0 7 32 JAM *", "'32' is no day of the month (field 3)", "'0 7 31 JAM *'"),
        ("*/0 * * * *", "'*/0' is no minute", "'*/1 * * * *'"),
        ("@dayly", "'@dayly' is no name", "@daily"),
        ("0 7 * *", "has 4 fields", "Write five"),
        ("* * * * * *", "has 6 fields", "Write five"),
        ("0 0 30 FEB *", "never comes", "No month"),
        ("0 0 31 2 *", "never comes", "No month"),
        ("x" * 5000, "fields", "Write five"),
        ("9" * 150 + " * * * *", "is no minute", "59 * * * *"),
    ],
)
def test_a_wrong_expression_is_named_with_its_place_and_the_nearest_right_one(cron, place, nearest):
    with pytest.raises(InvalidInput) as raised:
        check_cron(cron)

    assert place in str(raised.value)
    assert nearest in str(raised.value)


@given(st.text(max_size=60) | st.text(alphabet="0123456789*/,-#LWMONJAn@ ", max_size=40))
def test_any_text_is_an_expression_that_is_due_some_time_or_is_refused(text):
    try:
        cron = check_cron(text)
    except InvalidInput:
        return
    assert next_time(cron, "UTC", 0.0) is not None


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("Europe/Berlim", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Australia/Lord Howe", "Australia/Lord_Howe"),
        ("../../etc/passwd", "Name one like"),
        ("", "Name one like"),
        ("Europe", "time zone"),
    ],
)
def test_a_wrong_time_zone_is_named_with_the_nearest_right_one(name, nearest):
    with pytest.raises(InvalidInput, match="time_zone: there is no time zone") as raised:
        check_time_zone(name)

    assert nearest in str(raised.value)
