"""Which addresses pages may be fetched from."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.providers.addresses import (
    is_this_machine,
    literal,
    looks_like_address,
    may_fetch_from,
)

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
    "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "100::1",
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd12::1",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1",
    "126.255.255.255", "128.0.0.1", "169.253.255.255", "172.15.255.255", "172.32.0.1",
    "192.167.255.255", "198.17.255.255", "223.255.255.255",
    "2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:200::1", "2620:4f::1",
    "::ffff:8.8.8.8", "64:ff9b::808:808",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_nothing_is_fetched_from_what_is_not_the_public_internet(address):
    assert not may_fetch_from(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_open(address):
    assert may_fetch_from(address)


@pytest.mark.parametrize("text", ["", "localhost", "example.org", "1.2.3", "1.2.3.4.5", "::1::"])
def test_what_is_no_address_is_refused(text):
    assert not may_fetch_from(text)


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("10.1.2.3", True),
        ("10.2.0.1", False),
        ("::ffff:10.1.2.3", True),
        ("64:ff9b::a01:203", True),
        ("fd00::5", True),
        ("fd01::5", False),
        ("127.0.0.1", False),
    ],
)
def test_networks_are_opened_one_by_one(address, opened):
    allowed = (ip_network("10.1.0.0/16"), ip_network("fd00::/64"))

    assert may_fetch_from(address, allowed) is opened


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_ipv4_address_that_python_calls_private_is_open(address):
    if address.is_private or address.is_multicast or address.is_reserved:
        assert not may_fetch_from(str(address))


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_no_ipv6_address_that_python_calls_private_is_open(address):
    if address.is_private or address.is_multicast or address.is_reserved or address.is_site_local:
        assert not may_fetch_from(str(address))


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_ipv4_address_in_other_clothes_is_treated_alike(address):
    plain = may_fetch_from(str(address))

    assert may_fetch_from(f"::ffff:{address}") is plain
    assert may_fetch_from(str(IPv6Address(int(IPv6Address("64:ff9b::")) + int(address)))) is plain


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("0x7f.1", "127.0.0.1"),
     ("2130706433", "127.0.0.1"), ("017700000001", "127.0.0.1"), ("0", "0.0.0.0"), ("::1", "::1"),
     ("127.0.0.1.", "127.0.0.1"), ("2130706433.", "127.0.0.1"),
     ("example.org", ""), ("1.example", ""), ("", ""), ("a\x00b", ""), ("müller.de", "")],
)  # fmt: skip
def test_an_address_is_known_in_every_form_that_resolvers_take(host, address):
    assert literal(host) == address


@pytest.mark.parametrize(
    ("host", "so"),
    [("127.0.0.1", True), ("127.0.0.256", True), ("4294967297", True), ("a.0x7f", True),
     ("a.1.", True), ("::1", True), ("example.org", False), ("1.example", False), ("0xg", False)],
)  # fmt: skip
def test_what_ends_in_a_number_is_an_address_or_nothing(host, so):
    assert looks_like_address(host) is so


@pytest.mark.parametrize(
    ("host", "so"),
    [("localhost", True), ("LocalHost.", True), ("a.b.localhost", True), ("localhost.org", False),
     ("mylocalhost", False)],
)  # fmt: skip
def test_names_of_this_machine_are_known(host, so):
    assert is_this_machine(host) is so
