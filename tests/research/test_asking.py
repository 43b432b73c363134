"""The payload of a research, read and checked."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.configuration import Budget, Configuration, ReportLength, ResearchMode
from wiseflow.core.errors import InvalidInput
from wiseflow.research.asking import (
    TOPIC_CHARACTERS,
    Question,
    clean_topic,
    from_payload,
    read_configuration,
    to_payload,
)

configurations = st.builds(
    Configuration,
    research_mode=st.sampled_from(ResearchMode),
    collection=st.text(min_size=1).filter(str.strip),
    number_of_queries=st.integers(1, 10),
    max_search_depth=st.integers(1, 10),
    report_structure=st.lists(st.text(min_size=1, max_size=50).filter(str.strip), max_size=4).map(
        tuple
    ),
    language=st.sampled_from([None, "en", "de"]),
    length=st.sampled_from(ReportLength),
    budget=st.builds(Budget, tokens=st.none() | st.integers(1, 10**9)),
)


@given(configurations)
def test_a_payload_reads_back_as_what_was_asked(configuration):
    question = Question(topic="Lakes", configuration=configuration)

    assert from_payload(to_payload(question)) == question


@given(st.text(max_size=3000))
def test_any_topic_is_cleaned_or_refused(topic):
    try:
        cleaned = clean_topic(topic)
    except InvalidInput:
        return

    assert 0 < len(cleaned) <= TOPIC_CHARACTERS
    assert cleaned.isprintable() or "\u00ad" in cleaned or cleaned == clean_topic(cleaned)
    assert clean_topic(cleaned) == cleaned


def test_control_characters_leave_a_topic():
    assert clean_topic("  Lakes\x00 and\x1b[31m\n seas\u202e ") == "Lakes and seas"


def test_a_topic_of_10000_characters_is_told_the_limit():
    with pytest.raises(InvalidInput, match=r"10,000 characters and may have 2,000"):
        clean_topic("x" * 10_000)


@pytest.mark.parametrize("topic", ["", "   ", "?!", "\x00\x01", None, 7])
def test_an_empty_topic_is_refused(topic):
    with pytest.raises(InvalidInput, match="topic"):
        from_payload({"topic": topic})


@pytest.mark.parametrize(
    ("given_settings", "named"),
    [
        ({"lenght": "brief"}, r"configuration\.lenght is not known\. Did you mean 'length'"),
        ({"zzz": 1}, r"configuration\.zzz is not known\. There is research_mode"),
        ({"budget": {"monye": 1}}, r"budget\.monye is not known\. Did you mean 'money'"),
        ({"budget": {"money": -1}}, r"budget\.money is -1"),
        ({"budget": 3}, r"configuration\.budget"),
        ({"length": "breif"}, r"length cannot be 'breif'\. Did you mean 'brief'"),
        ({"number_of_queries": 0}, r"number_of_queries is 0\. Give 1 to 10"),
        ({"max_search_depth": 11}, r"max_search_depth is 11"),
        ({"number_of_queries": "3"}, r"number_of_queries cannot be used"),
        ({"number_of_queries": True}, r"number_of_queries cannot be used"),
        ({"language": "english"}, r"language is 'english'"),
        ({"collection": " "}, r"collection is empty"),
        ({"report_structure": ["x"] * 21}, r"report_structure has 21 titles"),
        ({"report_structure": [""]}, r"report_structure has a title of 0"),
        ({"report_structure": ["x" * 201]}, r"report_structure has a title of 201"),
        ({"collection": object()}, r"configuration is not JSON"),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(given_settings, named):
    with pytest.raises(InvalidInput, match=named):
        read_configuration(given_settings)


def test_unknown_parts_of_a_payload_are_refused():
    with pytest.raises(InvalidInput, match="Did you mean 'topic'"):
        from_payload({"topics": "Lakes"})


def test_a_configuration_that_is_no_object_is_refused():
    with pytest.raises(InvalidInput, match="not an object"):
        from_payload({"topic": "Lakes", "configuration": []})


@pytest.mark.parametrize(
    ("given", "named", "cure"),
    [
        ({"academic_sources": ["arxive"]}, "academic_sources names 'arxive'", "'arxiv'"),
        ({"academic_sources": ["tavily"]}, "no index of papers", "openalex"),
        ({"time_range": "lately"}, "the time range 'lately' cannot be read", "2020-01-01..2024"),
        ({"time_range": "2024..2020"}, "ends before it begins", "Swap"),
        ({"search_api": "arxiw"}, "search_api", "'arxiv'"),
    ],
)
def test_sources_and_time_ranges_are_checked(given, named, cure):
    with pytest.raises(InvalidInput, match=re.escape(named)) as caught:
        read_configuration(given)

    assert cure in caught.value.cure


@pytest.mark.parametrize(
    ("given", "providers", "in_documents"),
    [
        ({}, (), True),
        ({"search_api": "tavily"}, ("tavily",), False),
        ({"search_api": "tavily", "include_documents": True}, ("tavily",), True),
        ({"include_academic_papers": True}, ("arxiv", "pubmed", "openalex", "crossref"), True),
        ({"search_api": "exa", "academic_sources": ["pubmed"]}, ("exa", "pubmed"), False),
        (
            {"search_api": "pubmed", "include_academic_papers": True},
            ("pubmed", "arxiv", "openalex", "crossref"),
            False,
        ),
        ({"search_api": "documents", "academic_sources": ["arxiv", "arxiv"]}, ("arxiv",), True),
    ],
)
def test_who_is_asked_is_the_chosen_one_and_the_indexes_of_papers(given, providers, in_documents):
    configuration = read_configuration(given)

    assert configuration.providers == providers
    assert configuration.on_web is bool(providers)
    assert configuration.in_documents is in_documents
