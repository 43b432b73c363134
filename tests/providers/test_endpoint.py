"""Endpoints, and how they are reached."""

import pytest
from tests.providers.servers import KEY, endpoint

from wiseflow.core.errors import AddressForbidden, ConfigurationError
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.network import Network, is_loopback


def test_what_an_endpoint_shows_of_itself_holds_no_secret():
    asked = endpoint(f"https://user:{KEY}@a.example/v1", options={"token": KEY})

    assert KEY not in f"{asked!r} {asked} {asked.address} {asked.account}"
    assert asked.address == "https://a.example"


def test_an_account_tells_keys_apart_and_is_empty_without_one():
    one = Endpoint(provider="exa", base_url="https://a.b", api_key="first")
    other = Endpoint(provider="exa", base_url="https://a.b", api_key="second")

    assert one.account != other.account
    assert Endpoint(provider="exa", base_url="https://a.b").account == ""


@pytest.mark.parametrize(
    "base",
    ["", "api.example.org", "ftp://a.b", "https://", "https://a.b:port", "https://a.b:0",
     "https://[::1"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused_naming_the_setting(base):
    with pytest.raises(ConfigurationError, match="EXA_API_BASE"):
        Endpoint(provider="exa", base_url=base)


@pytest.mark.parametrize("key", [f"{KEY}\n", f" {KEY}", f"{KEY}é", f"{KEY}\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_shown(key):
    with pytest.raises(ConfigurationError, match="EXA_API_KEY") as caught:
        Endpoint(provider="exa", base_url="https://a.b", api_key=key)

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("base", "url", "address"),
    [
        ("https://a.b/v1/", "https://a.b/v1/search", "https://a.b"),
        ("http://[::1]:8080", "http://[::1]:8080/search", "http://[::1]:8080"),
    ],
)
def test_resources_lie_below_the_base(base, url, address):
    asked = Endpoint(provider="exa", base_url=base)

    assert asked.url("search") == url
    assert asked.address == address


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("LOCALHOST", True), ("127.0.0.2", True), ("::1", True), ("", False),
     ("10.0.0.1", False), ("localhost.example.org", False), ("a.localhost", False),
     ("::ffff:127.0.0.1", False), ("127.1", False), ("0.0.0.0", False)],
)  # fmt: skip
def test_only_what_is_plainly_this_machine_is_local(host, local):
    assert is_loopback(host) is local


def test_an_endpoint_tells_whether_it_is_on_this_machine():
    assert endpoint("http://localhost:11434").is_local
    assert not endpoint("https://api.example.org").is_local


@pytest.mark.parametrize(
    "proxy", ["http://proxy.example:3128", f"http://user:{KEY}@proxy.example:3128"]
)
def test_what_a_network_shows_of_itself_holds_no_password(proxy):
    assert "proxy" not in repr(Network(proxy=proxy)).replace("no_proxy", "")


@pytest.mark.parametrize(
    "proxy", ["proxy:3128", "socks5://a:1", "http://", "http://a:0", "http://["]
)
def test_what_is_no_proxy_is_refused_naming_the_setting(proxy):
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY"):
        Network(proxy=proxy)


def test_what_is_no_network_is_refused_naming_the_setting():
    with pytest.raises(ConfigurationError, match="FETCH_ALLOWED_NETWORKS"):
        Network(allowed_networks=("10.0.0.0/8", "intranet"))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_authorities_that_cannot_be_read_is_told(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)

    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        _ = Network(ca_file=str(file)).ssl_context


@pytest.mark.parametrize(
    ("host", "no_proxy", "proxied"),
    [
        ("api.example.org", "", True),
        ("api.example.org", "example.org", False),
        ("api.example.org", ".example.org", False),
        ("api.example.org", "*.example.org", False),
        ("API.example.org", "other.org, EXAMPLE.ORG", False),
        ("notexample.org", "example.org", True),
        ("api.example.org", "*", False),
        ("10.1.2.3", "10.0.0.0/8", False),
        ("11.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", False),
        ("2001:db8::1", "[2001:db8::1]", False),
        ("localhost", "", False),
        ("127.0.0.1", "", False),
        ("api.example.org", " , ", True),
    ],
)
def test_which_hosts_are_reached_by_the_proxy(host, no_proxy, proxied):
    network = Network(proxy="http://proxy:3128", no_proxy=no_proxy)

    assert bool(network.proxy_for(host)) is proxied


def test_local_only_refuses_before_anything_is_looked_up():
    network = Network(local_only=True)

    network.check("http://127.0.0.1:9/x")
    with pytest.raises(AddressForbidden, match="LOCAL_ONLY"):
        network.check("https://api.example.org", provider="exa")
