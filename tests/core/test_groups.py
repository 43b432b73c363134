from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.groups import task_group


async def fails(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


async def waits_for_one_that_fails(error: BaseException, *, busy_s: float = 0.0) -> None:
    async with task_group() as group:
        group.create_task(fails(error))
        group.create_task(asyncio.sleep(60))
        await asyncio.sleep(busy_s)


async def test_the_first_error_is_raised_as_itself():
    error = ExceptionGroup("of the task itself", [LookupError()])

    with pytest.raises(ExceptionGroup) as raised:
        await waits_for_one_that_fails(error)

    assert raised.value is error


@pytest.mark.parametrize("busy_s", [0.0, 60.0])
async def test_after_failures_a_timeout_is_one(busy_s: float):
    for _ in range(3):
        with pytest.raises(LookupError):
            await waits_for_one_that_fails(LookupError(), busy_s=busy_s)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await asyncio.sleep(60)


async def test_a_cancellation_from_outside_passes():
    async def waits() -> None:
        async with task_group() as group:
            group.create_task(asyncio.sleep(60))

    waiting = asyncio.create_task(waits())
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_failure_leaves_an_earlier_cancellation_as_it_was():
    async def goes_on_when_cancelled() -> int:
        me = asyncio.current_task()
        assert me is not None
        me.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        with pytest.raises(LookupError):
            await waits_for_one_that_fails(LookupError())
        return me.cancelling()

    assert await asyncio.create_task(goes_on_when_cancelled()) == 1
