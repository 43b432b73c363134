"""The same commands on PostgreSQL."""

import json

import pytest


@pytest.fixture
def database(server):
    """An empty database on a real server."""
    url = server.create(prepared=False)
    yield url
    server.drop(url)


def test_research_runs_on_postgresql_as_on_a_file(wiseflow, in_process, database, docs):
    settings = {"DATABASE_URL": database}
    some = docs / "explanation"

    upgraded = wiseflow("db", "upgrade", **settings)
    ended = wiseflow("research", "How are citations checked?", "--docs", some, "--json", **settings)
    listed = in_process("jobs", "list", "--json", **settings)

    assert upgraded.code == 0, upgraded.err
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    citation = report["summary"][0]["citations"][0]
    stored = in_process("source", citation["source_id"], **settings).out
    assert stored[citation["start"] : citation["end"]] == citation["quote"]
    assert json.loads(listed.out)["status"] == "completed"
    assert "sound" in in_process("db", "check", **settings).out


def test_a_server_that_does_not_answer_is_told_without_the_password(in_process):
    address = "postgresql://reader:hush-hush@127.0.0.1:1/nothing"

    ended = in_process("jobs", "list", DATABASE_URL=address)

    assert ended.code == 1
    assert "127.0.0.1" in ended.err
    assert "hush-hush" not in ended.err
    assert "Traceback" not in ended.err
