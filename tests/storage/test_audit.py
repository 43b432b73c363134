"""The contract of ``AuditLog``, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from wiseflow.core.audit import AuditEntry, AuditLog
from wiseflow.storage.sql.audit import LONGEST_TEXT, SqlAuditLog
from wiseflow.storage.sql.schema import open_database


@pytest.fixture
async def log(url) -> AsyncIterator[AuditLog]:
    database = await open_database(url)
    yield SqlAuditLog(database)
    await database.close()


def entry(**fields) -> AuditEntry:
    return replace(AuditEntry(action="keys create", outcome="done", who="local"), **fields)


async def test_entries_are_numbered_and_read_the_newest_first(log):
    for target in ("1", "2", "3"):
        await log.add(entry(target=target))

    found = await log.entries()
    assert [one.target for one in found] == ["3", "2", "1"]
    assert [one.number for one in found] == sorted((one.number for one in found), reverse=True)
    assert all(one.at > 0 for one in found)
    older = await log.entries(before=found[0].number, limit=1)
    assert [one.target for one in older] == ["2"]


async def test_a_tenants_entries_are_read_apart(log):
    await log.add(entry(tenant="acme"))
    await log.add(entry(tenant="other"))

    assert [one.tenant for one in await log.entries(tenant="acme")] == ["acme"]
    assert len(await log.entries()) == 2


async def test_what_a_request_brought_cannot_break_or_fill_it(log):
    await log.add(entry(target="a\0b\ud800" + "x" * 10_000))

    [kept] = await log.entries()
    assert kept.target.startswith("a\ufffdb")
    assert len(kept.target) == LONGEST_TEXT


async def test_only_what_is_old_is_forgotten(log):
    await log.add(entry(target="kept"))

    assert await log.forget(older_than_s=60.0) == 0
    assert await log.forget(older_than_s=-60.0) == 1
    assert list(await log.entries()) == []
