"""How well disagreements of sources are found, on a world whose pages contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from wiseflow.bench.data import read_rows
from wiseflow.bench.figures import Figure, mean_figure
from wiseflow.bench.oracle import hit_of, source_of
from wiseflow.core.documents import Hit
from wiseflow.core.report import Disagreement
from wiseflow.research.disagreeing import disagreements
from wiseflow.simulator.pages import PageShelf
from wiseflow.simulator.world import Fact, Page, Topic, World

SEED, TOPICS, CONFLICTS = 81, 40, 0.3
LEAST_PRECISION, LEAST_RECALL = 0.95, 0.8
# Paragraphs that are looked at as if one section cited them all.
TOGETHER = 10


def measure_conflicts(data_dir: Path) -> list[Figure]:
    """Precision and recall on a world, and how many of real paragraphs are said to disagree.

    Args:
        data_dir: with the folder ``mh_hotpot``, whose paragraphs do not disagree.

    Raises:
        NotFound: the paragraphs are missing.
    """
    rows = read_rows(data_dir / "mh_hotpot" / "corpus.jsonl")
    hits = [
        hit_of(source_of(str(row["id"]), str(row["title"]), str(row["text"])), 0, whole=True)
        for row in rows
    ]
    groups = [hits[at : at + TOGETHER] for at in range(0, len(hits), TOGETHER)]
    false = [float(bool(disagreements("A section", group))) for group in groups]
    return [
        *_world_figures(),
        mean_figure("mh_hotpot", f"{TOGETHER} paragraphs that agree, said to disagree", false),
    ]


def _world_figures() -> Iterator[Figure]:
    world = World(SEED, topics=TOPICS, conflicts=CONFLICTS)
    shelf = PageShelf(world)
    right: list[float] = []
    found: list[float] = []
    for topic in world.topics:
        for pages in _sides(topic):
            wrong = {fact.fact_id: fact for page in pages for fact in _contradicted(page, topic)}
            said = disagreements("A section", [_hit(page, shelf) for page in pages])
            told = [fact.fact_id for one in said if (fact := _fact_of(one, topic)) is not None]
            right += [1.0] * len(told) + [0.0] * (len(said) - len(told))
            found += [float(one in told) for one in wrong]
    yield mean_figure("world", "disagreements told that there are", right, bar=LEAST_PRECISION)
    yield mean_figure("world", "disagreements there are that are told", found, bar=LEAST_RECALL)


def _sides(topic: Topic) -> list[list[Page]]:
    """The pages of a topic by what they are about."""
    names = dict.fromkeys(page.attribute for page in topic.pages if page.attribute)
    return [[page for page in topic.pages if page.attribute == name] for name in names]


def _contradicted(page: Page, topic: Topic) -> list[Fact]:
    """The facts that a page states with another value."""
    return [
        fact
        for fact in topic.facts
        if fact not in page.facts and any(_is_about(one, fact) for one in page.sentences)
    ]


def _fact_of(one: Disagreement, topic: Topic) -> Fact | None:
    """The fact that both sentences are about, if they give it different values."""
    quotes: Sequence[str] = [citation.quote for citation in one.citations]
    for fact in topic.facts:
        values = [fact.value in quote for quote in quotes]
        if all(_is_about(quote, fact) for quote in quotes) and not all(values):
            return fact
    return None


def _is_about(sentence: str, fact: Fact) -> bool:
    return fact.entity in sentence and fact.relation.noun in sentence


def _hit(page: Page, shelf: PageShelf) -> Hit:
    return hit_of(source_of(page.slug, page.title, shelf.text(page)), 0, whole=True)
