"""How much longer a task may take by attempts that fail."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.engine.calls import Expected, TaskRequest, again_s


@pytest.mark.parametrize(
    ("retries", "failure", "seconds"),
    [
        (0, 0.9, 0.0),  # it is not tried again
        (3, 0.01, 0.0),  # unlikely
        (3, 0.1, 2.0 + 1.0),  # twice in a row is unlikely
        (3, 0.2, (2.0 + 1.0) + (2.0 + 2.0)),
        (3, 0.9, (2.0 + 1.0) + (2.0 + 2.0) + (2.0 + 4.0)),
    ],
)
def test_as_many_failed_attempts_are_reckoned_with_as_are_not_unlikely(retries, failure, seconds):
    request = TaskRequest(name="a", func=asyncio.sleep, retries=retries, retry_delay_s=1.0)

    assert again_s(request, Expected(2.0, 0, failure)) == pytest.approx(seconds)


def test_what_is_no_number_is_left_to_the_scheduler_to_refuse():
    request = TaskRequest(name="a", func=asyncio.sleep)

    for wrong in (request._replace(retries="many"), request._replace(retry_delay_s="long")):
        assert again_s(wrong, Expected(2.0, 0, 0.9)) == 0.0
