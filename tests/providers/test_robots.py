"""What a robots.txt is understood to say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.providers.robots import MOST_BYTES, Robots, Rule, comparable, read_robots

OURS = "WiseFlow"


def reads(text: str, product: str = OURS) -> Robots:
    return read_robots(text.encode(), product)


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "User-agent: *", "Sitemap: /map", "<html>a: b</html>", "Disallow: /",
     "User-agent: *\nDisallow:\n", "\x00\xff: \x00"],
)  # fmt: skip
def test_what_forbids_nothing_allows_everything(text):
    assert reads(text).allows("/any/page?q=1")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_they_like(end):
    robots = reads(end.join(["\ufeffUSER-AGENT : *", "disallow :/a # why", "Allow: /a/b"]))

    assert not robots.allows("/a/c")
    assert robots.allows("/a/b")


def test_rules_for_our_name_go_before_those_for_everybody():
    robots = reads("User-agent: *\nDisallow: /\n\nUser-agent: wiseflow/9\nDisallow: /no\n")

    assert robots.allows("/page")
    assert not robots.allows("/no/page")


def test_a_name_that_only_begins_like_ours_is_not_ours():
    robots = reads("User-agent: WiseFlower\nDisallow: /\nUser-agent: Wise\nDisallow: /\n")

    assert robots.allows("/page")


def test_groups_for_the_same_name_are_one():
    robots = reads("User-agent: WiseFlow\nDisallow: /a\nUser-agent: x\nDisallow: /\n"
                   "User-agent: wiseflow\nDisallow: /b\n")  # fmt: skip

    assert not robots.allows("/a")
    assert not robots.allows("/b")
    assert robots.allows("/c")


def test_several_names_share_the_rules_that_follow():
    robots = reads("User-agent: x\nUser-agent: WiseFlow\nSitemap: /s\nDisallow: /a\n")

    assert not robots.allows("/a")


def test_an_empty_rule_ends_the_names_of_its_group():
    robots = reads("User-agent: WiseFlow\nDisallow:\n\nUser-agent: x\nDisallow: /\n")

    assert robots.allows("/page")


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [("Disallow: /a\nAllow: /a/b", "/a/b", True), ("Allow: /a/b\nDisallow: /a", "/a/b/c", True),
     ("Disallow: /a/b\nAllow: /a", "/a/b", False), ("Allow: /a\nDisallow: /a", "/a", True),
     ("Disallow: /*.pdf$", "/x/y.pdf", False), ("Disallow: /*.pdf$", "/x/y.pdf?a", True),
     ("Disallow: /*.pdf", "/x/y.pdf?a", False), ("Disallow: /fish*", "/fish/salmon", False),
     ("Disallow: /*/b/*/d", "/a/b/c/d/e", False), ("Disallow: /*/b/*/d", "/a/b/d", True),
     ("Disallow: /$", "/", False), ("Disallow: /$", "/a", True), ("Disallow: /a$b", "/a$b", False),
     ("Disallow: /p?*id=", "/p?x=1&id=2", False), ("Disallow: *", "/", False),
     ("Disallow: /\nAllow: /$", "/", True), ("Disallow: private/", "/private/x", False),
     ("Disallow: /", "/robots.txt", True), ("Disallow: /Fish", "/fish", True),
     ("Disallow: /a**b$", "/axxb", False), ("Disallow: /ab*b$", "/ab", True)],
)  # fmt: skip
def test_the_longest_rule_that_matches_decides(rules, path, allowed):
    assert reads(f"User-agent: *\n{rules}\n").allows(path) is allowed


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("/foo/bar?baz=quz", "/foo/bar?baz=quz"), ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
     ("/foo/bar/%e3%83%84", "/foo/bar/ツ"), ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
     ("/foo/bar/baz", "/foo/bar/%62az"), ("/a%2fb", "/a%2Fb"), ("/a b", "/a%20b")],
)  # fmt: skip
def test_escapes_do_not_hide_a_page(pattern, path):
    assert not reads(f"User-agent: *\nDisallow: {pattern}").allows(path)


def test_an_escaped_star_or_slash_is_not_a_plain_one():
    robots = reads("User-agent: *\nDisallow: /a%2Ab\nDisallow: /c%2Fd\n")

    assert robots.allows("/axb")
    assert robots.allows("/c/d")


@pytest.mark.parametrize(
    ("told", "delay_s"), [("2", 2.0), ("0.5", 0.5), ("-1", 0.0), ("soon", 0.0), ("1e9", 1.0),
                          ("99999999999", 999999999.0), ("5 seconds", 5.0)],
)  # fmt: skip
def test_a_delay_is_read_where_it_is_one(told, delay_s):
    assert reads(f"User-agent: *\nCrawl-delay: {told}\nDisallow: /x").delay_s == delay_s


def test_what_is_beyond_the_bound_is_not_read():
    filler = "# " + "x" * 98 + "\n"
    text = "User-agent: *\nDisallow: /a\n" + filler * (MOST_BYTES // 100) + "Disallow: /b\n"

    assert not reads(text).allows("/a")
    assert reads(text).allows("/b")


@given(st.binary(max_size=400), st.text(max_size=40))
def test_anything_is_read_and_answers(body, path):
    robots = read_robots(b"User-agent: *\n" + body, OURS)

    assert robots.allows(path) in {True, False}
    assert robots.delay_s >= 0


WILD = st.text(alphabet="ab/*$", max_size=12)


@given(WILD.map(lambda tail: "/" + tail), st.text(alphabet="ab/$", max_size=14))
def test_patterns_mean_what_an_expression_of_them_means(pattern, tail):
    body, anchored = pattern.removesuffix("$"), pattern.endswith("$")
    expression = ".*".join(map(re.escape, body.split("*"))) + ("$" if anchored else "")

    meant = re.match(expression, "/" + tail) is not None

    assert Rule(allows=False, pattern=pattern).matches("/" + tail) is meant


@given(st.text(max_size=30))
def test_the_form_for_comparing_is_final(text):
    once = comparable(text)

    assert once.isascii()
    assert comparable(once) == once
