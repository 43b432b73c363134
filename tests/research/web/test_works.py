"""Which results are of one work, and how they become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.asking import SearchResult
from wiseflow.research.web.results import fused, key_of, merged
from wiseflow.research.web.works import are_one, identity_of, telling_words

TITLE = "Deep water renewal in Lake Baikal"


def a_result(url="https://a.example/1", title="", provider="tavily", **fields) -> SearchResult:
    return SearchResult(url=url, title=title, snippet="", provider=provider, **fields)


def one_work(left, right):
    return are_one(*(identity_of(key_of(one.url), one) for one in (left, right)))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (a_result("https://a.example/1"), a_result("http://www.a.example/1/?utm_source=x")),
        (a_result(doi="10.1/x"), a_result("https://b.example/2", doi="10.1/X")),
        (a_result(doi="10.1000/x"), a_result("https://doi.org/10.1000/X")),
        (
            a_result("https://arxiv.org/abs/2101.00001v2"),
            a_result("http://export.arxiv.org/pdf/2101.00001v1.pdf"),
        ),
        (
            a_result("https://arxiv.org/abs/math/0211159"),
            a_result("https://b.example/", doi="10.48550/arXiv.math/0211159"),
        ),
        (
            a_result(title=TITLE, provider="tavily"),
            a_result("https://b.example/", TITLE.upper() + ".", "crossref", doi="10.1000/y"),
        ),
        (
            a_result(title="Über die Erneuerung des Wassers im Baikalsee", doi="10.1000/z"),
            a_result("https://b.example/", "Uber die Erneuerung des Wassers im Baikalsee", "exa"),
        ),
        (
            a_result(title="A " + TITLE + " and its seasonal changes over time", doi="10.1000/z"),
            a_result("https://b.example/", TITLE + " and its seasonal changes over time", "exa"),
        ),
    ],
)
def test_these_are_one_work(left, right):
    assert one_work(left, right)
    assert one_work(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (a_result("https://a.example/1"), a_result("https://a.example/2")),
        # Two pages of the web with one title.
        (a_result(title=TITLE), a_result("https://b.example/", TITLE, "exa")),
        # Two papers of one index: it holds them for two.
        (
            a_result(title=TITLE, provider="openalex", doi="10.1000/x"),
            a_result("https://b.example/", TITLE, "openalex", doi="10.1000/y"),
        ),
        # A title that says little.
        (
            a_result(title="Introduction to lakes", doi="10.1000/x"),
            a_result("https://b.example/", "Introduction to lakes", "exa"),
        ),
        (
            a_result(title=TITLE + " 2019", doi="10.1000/x"),
            a_result("https://b.example/", TITLE + " 2020", "exa"),
        ),
        (
            a_result(title="Erratum: " + TITLE + " and its seasonal changes", doi="10.1000/x"),
            a_result("https://b.example/", TITLE + " and its seasonal changes", "exa"),
        ),
        (
            a_result(title=TITLE + ", part I", doi="10.1000/x"),
            a_result("https://b.example/", TITLE + ", part II", "exa"),
        ),
    ],
)
def test_these_are_two_works(left, right):
    assert not one_work(left, right)


def test_a_work_that_joins_two_makes_them_one():
    first = a_result("https://a.example/1", doi="10.1000/x")
    second = a_result("https://arxiv.org/abs/2101.00001", provider="arxiv")
    both = a_result("https://arxiv.org/abs/2101.00001v3", provider="openalex", doi="10.1000/x")

    [candidate] = merged([[first], [second], [both]])

    assert candidate.key == "a.example/1"
    assert candidate.score == pytest.approx(3 / 61)


def test_a_list_that_has_a_work_twice_counts_it_once():
    twice = [
        a_result("https://a.example/1", doi="10.1/x"),
        a_result("https://b.example", doi="10.1/x"),
    ]

    [candidate] = merged([twice])

    assert candidate.score == pytest.approx(1 / 61)


def test_the_same_work_elsewhere_stands_in_with_its_longest_text():
    page = a_result("https://a.example/1", doi="10.1/x")
    short = a_result("https://b.example/1", provider="arxiv", doi="10.1/x", text="short")
    long = a_result("https://c.example/1", provider="pubmed", doi="10.1/x", text="long enough")

    [candidate] = merged([[page], [short], [long]])

    assert (candidate.result, candidate.stand_in) == (page, long)


def test_a_page_with_its_text_needs_no_stand_in():
    page = a_result("https://a.example/1", doi="10.1/x", text="whole")
    other = a_result("https://b.example/1", provider="arxiv", doi="10.1/x", text="an abstract")

    [candidate] = merged([[page], [other]])

    assert (candidate.result, candidate.stand_in) == (page, None)


def test_each_provider_has_the_same_say_however_often_it_was_asked():
    web = [a_result(f"https://web.example/{number}") for number in range(3)]
    papers = [a_result(f"https://papers.example/{n}", provider="arxiv") for n in range(3)]

    found = fused([[web, web, web], [papers]])

    assert [one.result.url.rpartition("/")[2] for one in found] == ["0", "0", "1", "1", "2", "2"]
    assert found[0].result.provider == "tavily"


results = st.builds(
    a_result,
    url=st.integers(0, 5).map("https://a.example/{}".format),
    title=st.sampled_from(["", TITLE, TITLE + " 2020", "Lakes"]),
    provider=st.sampled_from(["tavily", "arxiv", "crossref"]),
    doi=st.sampled_from(["", "10.1000/x", "10.1000/y"]),
    text=st.sampled_from(["", "told"]),
)


@given(st.lists(st.lists(results, max_size=5), max_size=4))
def test_every_page_is_in_one_candidate_and_no_two_of_them_are_one(lists):
    found = merged(lists)

    assert {one.key for one in found} <= {key_of(one.url) for part in lists for one in part}
    assert len({one.key for one in found}) == len(found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    identities = [identity_of(one.key, one.result) for one in found]
    for place, identity in enumerate(identities):
        assert not any(identity.names & other.names for other in identities[place + 1 :])


words = st.lists(
    st.sampled_from([f"word{letter}" for letter in "abcdefghijklmnopqrst"]), max_size=20
)


@given(words, words)
def test_titles_that_agree_share_a_telling_word(left, right):
    first = a_result("https://a.example/", " ".join(left), "arxiv", doi="10.1000/x")
    second = a_result("https://b.example/", " ".join(right), "exa")
    identities = [identity_of(key_of(one.url), one) for one in (first, second)]

    if are_one(*identities):
        assert set(telling_words(identities[0])) & identities[1].words
        assert set(telling_words(identities[1])) & identities[0].words
        assert len(merged([[first], [second]])) == 1
    else:
        assert len(merged([[first], [second]])) == 2
