"""``wiseflow webhooks``."""

from __future__ import annotations

import io
import json

import pytest

URL = "http://127.0.0.1:9/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def this_machine_may_be_told(monkeypatch):
    monkeypatch.setenv("FETCH_ALLOWED_NETWORKS", "127.0.0.0/8")


def listed(wiseflow):
    return [json.loads(line) for line in wiseflow("webhooks", "list", "--json").out.splitlines()]


def test_a_webhook_is_added_listed_tried_and_removed(wiseflow):
    added = wiseflow("webhooks", "add", URL, "--event", "research.failed")

    assert added.out.startswith("whsec_")
    assert "not shown again" in added.err
    [kept] = listed(wiseflow)
    assert (kept["url"], kept["events"], kept["enabled"]) == (URL, ["research.failed"], True)
    shown = wiseflow("webhooks", "list").out
    assert f"{kept['id']}  on   {URL}  research.failed" in shown
    assert added.out.strip() not in shown
    assert wiseflow("webhooks", "deliveries", kept["id"]).out == "Nothing was sent yet.\n"
    sent = json.loads(wiseflow("webhooks", "test", kept["id"], "--json").out)
    assert sent["event"] == "webhook.test"
    assert "webhook.test  -  not sent yet" in wiseflow("webhooks", "deliveries", kept["id"]).out
    [told] = wiseflow("webhooks", "deliveries", kept["id"], "--json").out.splitlines()
    assert json.loads(told) == sent
    assert "removed" in wiseflow("webhooks", "remove", kept["id"]).out
    assert wiseflow("webhooks", "list").out.startswith("There are no webhooks.")
    assert wiseflow("webhooks", "remove", kept["id"]).code == 4
    changes = wiseflow("audit", "--json").out
    assert all(f'"webhooks {one}"' in changes for one in ("add", "test", "remove"))


def test_a_secret_of_ones_own_is_read_from_standard_input_and_told_by_json_once(
    wiseflow, monkeypatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))

    made = json.loads(wiseflow("webhooks", "add", URL, "--secret-stdin", "--json").out)

    assert made["secret"] == SECRET
    [kept] = listed(wiseflow)
    assert kept == {name: value for name, value in made.items() if name != "secret"}


def test_an_address_that_may_not_be_told_is_refused(wiseflow):
    ended = wiseflow("webhooks", "add", "http://10.0.0.1/")

    assert ended.code == 2
    assert "url: " in ended.err
    assert listed(wiseflow) == []
