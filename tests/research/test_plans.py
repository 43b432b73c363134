"""Plans as people write them: what is taken, and what is refused at which place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.authoring import Plan, PlannedSection
from wiseflow.core.errors import InvalidInput
from wiseflow.research.plans import plan_from_json, plan_to_json, within

TEXT = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30)
SECTIONS = st.builds(
    PlannedSection, title=TEXT, queries=st.lists(TEXT, min_size=1, max_size=3).map(tuple)
)
PLANS = st.builds(
    Plan,
    title=TEXT,
    language=st.sampled_from(["", "en", "ru"]),
    sections=st.lists(
        SECTIONS, min_size=1, max_size=5, unique_by=lambda one: one.title.casefold()
    ).map(tuple),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["title", "language", "sections", "queries", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def a_plan(**changes):
    return {
        "title": "Bees",
        "language": "en",
        "sections": [
            {"title": "Hives", "queries": ["bee hives"]},
            {"title": "Honey", "queries": ["honey yield", "honey taste"]},
        ],
        **changes,
    }


@given(PLANS)
def test_a_plan_that_is_written_reads_back_as_it_was(plan):
    assert plan_from_json(plan_to_json(plan), most_queries=3) == plan


@given(JSON)
def test_whatever_is_given_becomes_a_plan_or_is_refused_in_words(value):
    try:
        plan = plan_from_json(value, most_queries=3)
    except InvalidInput as refused:
        told = refused.message and refused.cure
    else:
        told = all(1 <= len(section.queries) <= 3 for section in plan.sections)
    assert told


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([], "the plan is no object"),
        (a_plan(title=" "), "the plan's title is empty"),
        (a_plan(title=3), "the plan's title is no text"),
        (a_plan(language="english"), "the plan's language is 'english'"),
        (a_plan(subtitle="x"), "the plan has a 'subtitle'"),
        (a_plan(sections={}), "the plan's sections are no list"),
        (a_plan(sections=[]), "the plan has 0 sections"),
        (a_plan(sections=[{"title": str(n), "queries": ["q"]} for n in range(21)]), "21 sections"),
        (a_plan(sections=["Hives"]), "section 1 is no object"),
        (a_plan(sections=[{"title": "A", "queries": []}]), "section 1 has 0 queries"),
        (a_plan(sections=[{"title": "A", "queries": ["a"] * 4}]), "section 1 has 4 queries"),
        (a_plan(sections=[{"title": "A"}]), "section 1: its queries are no list"),
        (a_plan(sections=[{"queries": ["a"]}]), "section 1: its title is no text"),
        (a_plan(sections=[{"title": "A", "queries": ["a", "…"]}]), "section 1, query 2 is empty"),
        (
            a_plan(sections=[{"title": "A", "queries": ["a" * 401]}]),
            "section 1, query 1 has 401 characters",
        ),
        (
            a_plan(sections=[{"title": one, "queries": ["q"]} for one in ("Hives", "b", "hives")]),
            "section 3 has the title of section 1",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(given, place):
    with pytest.raises(InvalidInput) as refused:
        plan_from_json(given, most_queries=3)

    assert place in refused.value.message
    assert refused.value.cure


def test_titles_and_queries_are_taken_on_one_line_without_control_characters():
    given = a_plan(
        title="Bees\n and\x1b[31m hives\u202e",
        sections=[{"title": "A\tB", "queries": [" what  bees\neat "]}],
    )

    plan = plan_from_json(given, most_queries=1)

    assert plan.title == "Bees and hives"
    assert plan.sections == (PlannedSection(title="A B", queries=("what bees eat",)),)


def test_queries_that_would_not_be_asked_are_not_shown():
    plan = plan_from_json(a_plan(), most_queries=3)

    assert [section.queries for section in within(plan, 1).sections] == [
        ("bee hives",),
        ("honey yield",),
    ]
