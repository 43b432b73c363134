"""Which of the passages that several questions found are taken."""

from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.authoring import Evidence
from wiseflow.core.documents import Hit, Passage
from wiseflow.research.web.choosing import best_of


def evidence(key, text):
    passage = Passage(passage_id=key, source_id=key, start=0, end=len(text), text=text, title="")
    return Evidence(hit=Hit(passage=passage, score=1.0, language="en"), score=1.0)


def ids(chosen):
    return [item.hit.passage.passage_id for item in chosen]


def test_each_query_gets_its_best_passage_before_any_gets_its_second():
    found = [
        evidence("red", "The red harbour is old. The red harbour is deep."),
        evidence("red too", "A red harbour has cranes."),
        evidence("blue", "The blue lighthouse was built in 1901."),
    ]

    chosen = best_of(found, ["red harbour deep", "blue lighthouse built"], 2)

    assert ids(chosen) == ["red", "blue"]


def test_a_sentence_that_holds_the_query_together_is_worth_more_than_its_words_apart():
    apart = "The supplier is known. Tanrinia is a town. The array is new. The supplier came. " * 2
    together = "It rains. The supplier of the Tanrinia array is a small firm. It snows."
    found = [evidence("apart", apart), evidence("together", together)]

    assert ids(best_of(found, ["supplier of the Tanrinia array"], 1)) == ["together"]


def test_a_query_asked_twice_counts_once():
    found = [evidence("a", "Ships are red."), evidence("b", "Ports are blue.")]

    assert ids(best_of(found, ["ships red", "ships red", "ports blue"], 2)) == ["a", "b"]


@given(st.lists(st.text("ab .", max_size=20), max_size=8), st.lists(st.text("ab ", max_size=6)))
def test_what_is_chosen_was_found_and_is_chosen_once(texts, queries):
    found = [evidence(str(number), text) for number, text in enumerate(texts)]

    chosen = ids(best_of(found, queries, 5))

    assert len(chosen) == min(5, len(found)) == len(set(chosen))
