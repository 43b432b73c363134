"""Requests without a key, and requests that another site's page makes."""

from __future__ import annotations

import pytest

from wiseflow.server.local_access import PROXY_HEADERS, Exposure, names_this_machine
from wiseflow.server.origins import is_meant

HERE = {"host": "127.0.0.1:8000"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.0.9"])
def test_who_is_at_this_machine_needs_no_key_before_there_is_one(host):
    assert Exposure(host=host).why_not_local(HERE, any_key=False) == ""


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.x"])
def test_where_others_can_connect_a_key_is_needed(host):
    assert "listens" in Exposure(host=host).why_not_local(HERE, any_key=False)
    assert Exposure(host=host, mode="on").why_not_local(HERE, any_key=False)


@pytest.mark.parametrize("name", PROXY_HEADERS)
def test_behind_a_proxy_a_key_is_needed(name):
    why = Exposure(host="127.0.0.1", mode="on").why_not_local({**HERE, name: "x"}, any_key=False)

    assert name in why


def test_under_a_path_of_a_proxy_a_key_is_needed():
    exposure = Exposure(host="127.0.0.1", root_path="/wiseflow", mode="on")

    assert "--root-path" in exposure.why_not_local(HERE, any_key=False)


def test_once_there_is_a_key_one_is_needed_unless_the_setting_says_otherwise():
    assert Exposure(host="::1").why_not_local(HERE, any_key=True)
    assert not Exposure(host="::1", mode="on").why_not_local(HERE, any_key=True)
    assert Exposure(host="::1", mode="off").why_not_local(HERE, any_key=False)


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1", "[::1]", "[::1]:8000"])
def test_this_machines_names(host):
    assert names_this_machine(host)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example",
        "evil@localhost", "localhost/x", "localhost:x", "[::1", "0.0.0.0", "10.0.0.1",
        "localhost#x", "localhost?x", " localhost", "127.1\\@evil",
    ],
)  # fmt: skip
def test_other_names_lead_here_by_rebinding_only(host):
    assert not names_this_machine(host)
    assert Exposure(host="127.0.0.1", mode="on").why_not_local({"host": host}, any_key=False)


@pytest.mark.parametrize(
    ("headers", "meant"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"}, False),
        ({"origin": "http://127.0.0.1:8000"}, True),
        ({"origin": "https://127.0.0.1:8000"}, True),
        ({"origin": "http://127.0.0.1:8001"}, False),
        ({"origin": "http://127.0.0.1"}, False),
        ({"origin": "http://evil.example:8000"}, False),
        ({"origin": "null"}, False),
        ({"origin": "file://"}, False),
        ({"origin": "http://[::1"}, False),
        ({"origin": ""}, False),
    ],
)
def test_what_a_page_of_another_site_sends_is_not_meant(headers, meant):
    assert is_meant("POST", {**HERE, **headers}, unless_told=True) is meant
    assert is_meant("GET", {**HERE, **headers}, unless_told=False)


@pytest.mark.parametrize("told", [True, False])
def test_what_tells_nothing_is_as_the_caller_decides(told):
    assert is_meant("DELETE", HERE, unless_told=told) is told


def test_the_usual_ports_may_be_left_out():
    assert is_meant("PUT", {"host": "x", "origin": "http://x:80"}, unless_told=False)
    assert is_meant("PUT", {"host": "x:443", "origin": "https://x"}, unless_told=False)
