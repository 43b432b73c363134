"""Whether a Redis answers is told, whatever the answer."""

from __future__ import annotations

from wiseflow.storage.redis.limits import RedisLimitStore


async def test_one_that_answers_says_its_version(redis_url):
    store = RedisLimitStore(redis_url)

    tested = await store.test_connection()

    await store.close()
    assert (tested.status, tested.error) == ("ok", "")
    assert tested.version.startswith("Redis ")
    assert tested.latency_ms > 0


async def test_one_that_is_not_there_is_told_and_not_raised(tmp_path):
    store = RedisLimitStore(f"unix://{tmp_path}/nobody")

    tested = await store.test_connection()

    await store.close()
    assert tested.status == "failed"
    assert "REDIS_HOST" in tested.error
