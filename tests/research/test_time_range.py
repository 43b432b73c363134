"""The days of publication that a research asks for."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput
from wiseflow.research.time_range import ALWAYS, Period, read_period

TODAY = date(2024, 3, 31)
days = st.dates(min_value=date(1, 1, 1), max_value=date(9999, 12, 31))


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2020-01-01..2024-12-31", "2020-01-01", "2024-12-31"),
        ("2020-01-01..", "2020-01-01", ""),
        ("..2024-02", "", "2024-02-29"),
        ("2020..2023", "2020-01-01", "2023-12-31"),
        ("2020", "2020-01-01", "2020-12-31"),
        ("2023-02", "2023-02-01", "2023-02-28"),
        ("2023-02-03", "2023-02-03", "2023-02-03"),
        ("5y", "2019-03-31", ""),
        ("1m", "2024-02-29", ""),
        ("6M", "2023-09-30", ""),
        (" 2w ", "2024-03-17", ""),
        ("30d", "2024-03-01", ""),
        ("99999y", "", ""),
        ("99999d", "1750-06-17", ""),
        ("", "", ""),
        (None, "", ""),
    ],
)
def test_each_form_stands_for_its_days(text, since, until):
    assert read_period(text, TODAY) == Period(since=since, until=until)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("..", "cannot be read"),
        ("yesterday", "cannot be read"),
        ("0d", "cannot be read"),
        ("5", "cannot be read"),
        ("-5y", "cannot be read"),
        ("2020-1-1..", "cannot be read"),
        ("2020...2021", "cannot be read"),
        ("2020-01-01..2021-01-01..", "cannot be read"),
        ("٢٠٢٠", "cannot be read"),
        ("x" * 5_000, "cannot be read"),
        ("2023-02-29", "no day"),
        ("2020-13..", "no day"),
        ("0000", "no day"),
        ("2024..2020", "ends before it begins"),
    ],
)
def test_what_is_of_no_form_is_told_with_the_forms(text, why):
    with pytest.raises(InvalidInput, match=why) as caught:
        read_period(text, TODAY)

    assert caught.value.cure
    assert len(caught.value.message) < 100


@given(days, days)
def test_a_range_holds_its_own_ends_and_none_beside_them(one, other):
    first, last = sorted((one, other))
    period = read_period(f"{first}..{last}", TODAY)

    assert period.holds(str(first))
    assert period.holds(str(last))
    if first > date.min:
        assert not period.holds(str(first - timedelta(days=1)))
    if last < date.max:
        assert not period.holds(str(last + timedelta(days=1)))


@given(st.integers(1, 99_999), st.sampled_from("ymwd"), days)
def test_what_is_past_ends_never_and_begins_before_today(count, unit, today):
    period = read_period(f"{count}{unit}", today)

    assert period.until == ""
    assert period.since < str(today)
    assert period.holds(str(today))


@given(st.text(max_size=30) | st.text("0123456789-.ymwd", max_size=30))
def test_any_text_is_a_period_or_one_error(text):
    try:
        period = read_period(text, TODAY)
    except InvalidInput:
        return
    for day in filter(None, (period.since, period.until)):
        assert date.fromisoformat(day)


@pytest.mark.parametrize(
    ("published", "held"),
    [("", True), ("2020", True), ("2019", False), ("2020-06", True), ("2020-07", False),
     ("2021", False)],
)  # fmt: skip
def test_a_date_that_is_not_wholly_known_may_be_of_it(published, held):
    assert Period(since="2020-02-01", until="2020-06-30").holds(published) is held


def test_all_days_are_of_no_range():
    assert ALWAYS.holds("0001-01-01")
    assert ALWAYS.holds("9999-12-31")
