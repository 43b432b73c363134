"""The world: consistent, seeded, findable, and texts can be checked against it."""

from __future__ import annotations

import re

import pytest

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.checking import Checker
from wiseflow.simulator.finding import Finder
from wiseflow.simulator.pages import PAGE_BYTES, PageShelf
from wiseflow.simulator.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=7, topics=30)


def test_equal_seeds_make_equal_worlds_and_others_differ(world):
    assert World(seed=7, topics=30).facts == world.facts
    assert World(seed=8, topics=30).facts != world.facts


def test_each_fact_is_on_at_least_two_pages(world):
    for topic in world.topics:
        for fact in topic.facts:
            assert sum(fact in page.facts for page in topic.pages) >= 2


def test_no_entity_has_two_values_for_one_relation(world):
    said = [(fact.entity, fact.relation.noun) for fact in world.facts]

    assert len(said) == len(set(said))


def test_every_page_states_its_facts_and_nothing_wrong(world):
    checker, shelf = Checker(world), PageShelf(world)
    for page in list(world.pages.values())[:60]:
        checked = checker.check(shelf.text(page))

        assert set(checked.stated) == set(page.facts)
        assert checked.wrong == ()


def test_pages_contradict_each_other_only_when_asked_to():
    world = World(seed=7, topics=5, conflicts=0.5)
    checker, shelf = Checker(world), PageShelf(world)
    wrong = [checker.check(shelf.text(page)).wrong for page in world.pages.values()]

    assert sum(map(len, wrong)) > 10
    for page in world.pages.values():
        assert set(page.facts) <= set(checker.check(shelf.text(page)).stated)


def test_a_changed_value_is_wrong_and_a_text_about_something_else_is_neither(world):
    checker, fact = Checker(world), world.facts[0]

    assert checker.check(fact.sentence(1)).stated == (fact,)
    assert checker.check(f"{fact.sentence()[:-1]} [p1].").stated == (fact,)
    assert checker.check(fact.sentence(0, "31 June 1066")).wrong
    assert checker.check("It rained.") == checker.check("")


@pytest.mark.parametrize("number", [0, 13, 30, 65, 30 * 8 + 2, 30 * 9 + 2])
def test_the_first_results_for_a_question_are_of_its_topic(world, number):
    question = world.question(number)
    hits = Finder(world).find(question.text, 5)

    assert {hit.page.topic for hit in hits} == {question.topic}
    assert hits[0].score == 1.0
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_questions_differ_for_more_rounds_than_there_are_topics(world):
    assert len({world.question(number).text for number in range(600)}) == 600


def test_a_query_for_a_fact_finds_a_page_and_a_snippet_that_state_it(world):
    checker, finder = Checker(world), Finder(world)
    for fact in world.facts[:40]:
        hits = finder.find(f"{fact.entity} {fact.relation.noun}", 5)

        assert any(fact in checker.check(hit.snippet).stated for hit in hits)


def test_a_query_without_a_known_word_finds_nothing(world):
    assert not Finder(world).find("xyzzy plugh", 5)
    assert not Finder(world).find("", 5)


def test_pages_have_their_size_and_their_frame(world):
    shelf = PageShelf(world)
    slug = next(iter(world.pages))
    page = (shelf.get(slug) or b"").decode()

    assert PAGE_BYTES * 0.8 < len(page) < PAGE_BYTES * 1.2
    assert re.search(r"<time datetime=\"\d{4}-\d\d-\d\d\">", page)
    assert "<nav>" in page
    assert "<footer>" in page
    assert shelf.get(slug) is shelf.get(slug)
    assert shelf.get("no-such-page") is None
    assert len(PageShelf(world, 20_000).get(slug) or b"") > 18_000


def test_what_is_kept_made_is_bounded(world, monkeypatch):
    monkeypatch.setattr("wiseflow.simulator.pages.KEPT_PAGES", 2)
    monkeypatch.setattr("wiseflow.simulator.finding.KEPT_QUERIES", 2)
    shelf, finder = PageShelf(world), Finder(world)
    for slug in list(world.pages)[:5]:
        shelf.get(slug)
        finder.find(slug, 3)

    assert len(shelf._made) == 2
    assert len(finder._found) == 2


@pytest.mark.parametrize("wrong", [{"topics": 0}, {"topics": 10**6}, {"conflicts": 2}])
def test_a_world_that_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidInput):
        World(**wrong)
