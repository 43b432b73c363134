"""``wiseflow shares``."""

from __future__ import annotations

import asyncio
import json

import pytest

from wiseflow.app import open_application
from wiseflow.app.services.shares import shared_report
from wiseflow.core.errors import NotFound
from wiseflow.settings.loading import load_settings

RESEARCH = ("research", "What causes spring tides?", "--docs", "papers", "--tag", "sea")


def what_is_shared(path):
    """The title of the report that a server would show there."""

    async def read():
        async with open_application(load_settings(environ={}, dotenv=None)) as app:
            return (await shared_report(app, path.removeprefix("/shared/"))).title

    return asyncio.run(read())


def test_a_link_is_made_listed_and_taken_back(wiseflow, after):
    after(*RESEARCH)
    [job] = wiseflow("jobs", "list", "--json").out.splitlines()
    research = json.loads(job)["job_id"]

    made = wiseflow("shares", "create", research[:12], "--expires-days", "2")

    path = made.out.strip()
    assert what_is_shared(path)
    [line] = wiseflow("shares", "list", research, "--json").out.splitlines()
    link = json.loads(line)
    assert (link["path"], link["research"], link["revoked_at"]) == (path, research, None)
    assert link["expires_at"] - link["created_at"] == pytest.approx(2 * 86_400)
    assert f"{link['id']}  until " in wiseflow("shares", "list", research).out
    ended = json.loads(wiseflow("shares", "revoke", link["id"], "--json").out)
    assert ended["revoked_at"] is not None
    assert "revoked" in wiseflow("shares", "list", research).out
    with pytest.raises(NotFound):
        what_is_shared(path)
    changes = wiseflow("audit", "--json").out
    assert all(f'"shares {one}"' in changes for one in ("create", "revoke"))


def test_what_is_not_there_is_said(wiseflow):
    assert wiseflow("shares", "create", "01nothing").code == 4
    assert wiseflow("shares", "list", "01nothing").code == 4
    assert wiseflow("shares", "revoke", "01nothing").code == 4
