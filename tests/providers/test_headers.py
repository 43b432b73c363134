"""What headers tell of limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers.headers import LONGEST_WAIT_S, allowances, duration_s, retry_after_s

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
REQUESTS, TOKENS = Dimension.REQUESTS, Dimension.TOKENS


def allowance(dimension=REQUESTS, **others):
    return Allowance(dimension=dimension, **others)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m6.5s", 66.5), ("20ms", 0.02), ("1h2m", 3720.0), ("6", 6.0), ("0s", 0.0), ("1d", 86_400.0),
     ("soon", None), ("", None), ("-1s", None), ("1s later", None), ("nan", None), ("٣s", None)],
)  # fmt: skip
def test_a_duration_is_read_or_is_nothing(text, seconds):
    assert duration_s(text) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"Retry-After": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"Retry-After": "99999999999"}, LONGEST_WAIT_S),
        ({"Retry-After": "a while"}, None),
        ({"Retry-After": "-3"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after_s(headers, NOW) == seconds


def test_openais_headers():
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-requests": "1s",
        "X-RateLimit-Reset-Tokens": "6m0s",
    }

    assert allowances(headers, NOW) == (
        allowance(limit=60, remaining=59, reset_s=1),
        allowance(TOKENS, limit=150_000, remaining=149_984, reset_s=360, window_s=3600),
    )


def test_anthropics_headers():
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:12Z",
        "anthropic-ratelimit-tokens-limit": "30000",
        "anthropic-ratelimit-tokens-remaining": "20000",
        "anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:20+00:00",
        "anthropic-ratelimit-input-tokens-limit": "90000",
        "anthropic-ratelimit-input-tokens-remaining": "1",
    }

    assert allowances(headers, NOW) == (
        allowance(limit=50, remaining=49, reset_s=12),
        allowance(TOKENS, limit=30_000, remaining=20_000, reset_s=20),
    )


def test_of_input_and_output_tokens_the_one_with_the_least_left_counts():
    headers = {
        "anthropic-ratelimit-input-tokens-limit": "90000",
        "anthropic-ratelimit-input-tokens-remaining": "80000",
        "anthropic-ratelimit-output-tokens-limit": "8000",
        "anthropic-ratelimit-output-tokens-remaining": "100",
    }

    assert allowances(headers, NOW) == (allowance(TOKENS, limit=8000, remaining=100),)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            {"RateLimit": '"default";r=50;t=30', "RateLimit-Policy": '"default";q=100;w=3600'},
            [allowance(limit=100, remaining=50, reset_s=30, window_s=3600)],
        ),
        (
            {
                "RateLimit": '"a";r=1;t=2, "b";r=3;t=4',
                "RateLimit-Policy": '"b";q=9;w=86400;qu="content-bytes", "a";q=5;w=10',
            },
            [
                allowance(limit=5, remaining=1, reset_s=2, window_s=10),
                allowance(Dimension.BYTES, limit=9, remaining=3, reset_s=4, window_s=86_400),
            ],
        ),
        (
            {"RateLimit": "limit=100, remaining=50, reset=5", "RateLimit-Policy": "100;w=60"},
            [allowance(limit=100, remaining=50, reset_s=5)],
        ),
        (
            {"RateLimit-Limit": "100, 100;w=10", "RateLimit-Remaining": "7"},
            [allowance(limit=100, remaining=7), allowance(limit=100, window_s=10)],
        ),
        ({"RateLimit": '"x";r=3', "RateLimit-Policy": '"x";q=5;qu="moonbeams"'}, []),
    ],
)
def test_the_drafts_of_the_ietf(headers, found):
    assert list(allowances(headers, NOW)) == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            {
                "X-RateLimit-Limit": "1, 15000",
                "X-RateLimit-Policy": "1;w=1, 15000;w=2592000",
                "X-RateLimit-Remaining": "0, 14523",
                "X-RateLimit-Reset": "1, 1419704",
            },
            [
                allowance(limit=1, remaining=0, reset_s=1, window_s=1),
                allowance(limit=15_000, remaining=14_523, reset_s=1_419_704, window_s=2_592_000),
            ],
        ),
        (
            {"x-ratelimit-limit": "60", "x-ratelimit-reset": str(int(NOW) + 40)},
            [allowance(limit=60, reset_s=40)],
        ),
        (
            {"x-ratelimit-remaining": "5", "x-ratelimit-reset": str(int((NOW + 40) * 1000))},
            [allowance(remaining=5, reset_s=40)],
        ),
        ({"x-rate-limit-limit": "10"}, [allowance(limit=10)]),
        ({"x-ratelimit-limit": "many"}, []),
    ],
)
def test_the_headers_of_everybody_else(headers, found):
    assert list(allowances(headers, NOW)) == found


NAMES = [
    "retry-after", "retry-after-ms", "ratelimit", "ratelimit-policy",
    *(f"{prefix}{part}" for prefix in ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
      for part in ("limit", "remaining", "reset", "policy")),
    *(f"x-ratelimit-{part}-{kind}" for part in ("limit", "remaining", "reset")
      for kind in ("requests", "tokens")),
    *(f"anthropic-ratelimit-{kind}-{part}" for part in ("limit", "remaining", "reset")
      for kind in ("requests", "tokens", "input-tokens", "output-tokens")),
]  # fmt: skip
ODD = '0123456789smhd.,;="wqrt: TZ+-eEnaif\x00\u0663\u00b5\ud800µ'
VALUES = st.one_of(
    st.text(ODD, max_size=40),
    st.integers().map(str),
    st.floats().map(str),
    st.datetimes().map(str),
    st.datetimes().map(lambda date: f"{date:%a, %d %b} {date.year} {date:%H:%M:%S} GMT"),
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.floats(0, 1e10))
def test_whatever_headers_hold_nothing_raises_and_numbers_are_sound(headers, now):
    wait = retry_after_s(headers, now)

    assert wait is None or 0 <= wait <= LONGEST_WAIT_S
    for one in allowances(headers, now):
        assert one.limit is not None or one.remaining is not None
        assert one.window_s > 0
        for number in (one.limit, one.remaining, one.reset_s):
            assert number is None or (number >= 0 and math.isfinite(number))


@given(st.text(ODD, max_size=60))
def test_no_text_makes_the_reader_of_durations_raise(text):
    seconds = duration_s(text)

    assert seconds is None or seconds >= 0


@given(st.integers(0, 86_399_999))
def test_a_duration_that_openai_writes_reads_back(milliseconds):
    minutes, rest = divmod(milliseconds, 60_000)

    read = duration_s(f"{minutes}m{rest / 1000:.3f}s")

    assert read == pytest.approx(milliseconds / 1000)
