"""The retriever over a local index: searches, follow-ups, and the choice among what they return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered
from wiseflow.core.documents import Hit
from wiseflow.core.ports import Compute
from wiseflow.knowledge.ranking import HYBRID, Weights
from wiseflow.research.extractive import corpus
from wiseflow.research.extractive.choosing import Scored, chained, diverse, greedy_set
from wiseflow.research.extractive.reading import Reading, read
from wiseflow.research.extractive.relevance import Core, relevant
from wiseflow.research.extractive.seeding import common_words, seeds_of
from wiseflow.research.extractive.studying import follow_up
from wiseflow.research.extractive.wanting import Wanted, read_topic

TOPIC_PASSAGES = 40
# Of what one question of a graph finds.
EXPLORED_PASSAGES = 20
QUERY_PASSAGES = 30
INITIALS_PASSAGES = 20
FOLLOW_UP_PASSAGES = 20
# A question is answered by few passages, or not at all.
ANSWER_PASSAGES = 6
# A follow-up asks for names, which letters alone tell badly.
WORDS_ONLY = replace(HYBRID, vector=0.0)


class IndexRetriever:
    """Finds passages in the index of one collection.

    Args:
        compute: where the work is done.
        index_folder: of the collection's index.
    """

    def __init__(self, compute: Compute, index_folder: Path) -> None:
        self._compute = compute
        self._folder = index_folder

    async def gather(self, request: EvidenceRequest) -> Gathered:
        """Passages for a request; none when nothing relevant was found.

        Raises:
            NotFound: the collection has no index.
            StorageError: the disk refuses.
            WorkerError: the worker did not finish.
        """
        return await self._compute.run(gather, self._folder, request)

    async def choose(
        self, request: EvidenceRequest, found: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The best for a request among passages found before. Raises as ``gather``."""
        return await self._compute.run(choose, self._folder, request, tuple(found))


def gather(folder: Path, request: EvidenceRequest) -> Gathered:
    """What the index in ``folder`` holds for ``request``: the body of ``IndexRetriever.gather``."""
    search = _Search(folder=folder, only=request.language or "")
    search.add(request.topic, TOPIC_PASSAGES)
    wanted = search.wanted(request.topic)
    seeds = frozenset[str]() if wanted.question else search.broaden(wanted)
    for query in request.queries:
        if query != request.topic:
            weights = WORDS_ONLY if request.exploring and wanted.question else HYBRID
            search.add(query, QUERY_PASSAGES, weights)
    found = relevant(search.readings(), wanted, search.topic_scores(), search.core(seeds))
    if request.exploring:
        chosen = _explored(search, found, wanted, request)
    elif wanted.question:
        chosen = _answering(search, found, wanted, request)
    else:
        chosen = found if request.overview else _telling(search, found, wanted, request)
    return Gathered(
        evidence=tuple(
            Evidence(hit=item.reading.hit, score=round(item.score, 4)) for item in chosen
        ),
        queries=tuple(search.queries),
        considered=tuple(search.hits),
    )


def choose(
    folder: Path, request: EvidenceRequest, found: Sequence[Evidence]
) -> tuple[Evidence, ...]:
    """The best of ``found``, without repetition: the body of ``IndexRetriever.choose``."""
    readings = [read(item.hit) for item in found]
    index = corpus.opened(folder)
    language = request.language or _main_language([item.hit for item in found])
    wanted = read_topic(request.topic, language, index)
    if wanted.question:
        chosen = chained(readings, wanted, request.limit)
    else:
        asked = {
            term for query in request.queries for term in read_topic(query, language, index).weights
        }
        scored = [Scored(reading=one, score=wanted.share_in(one)) for one in readings]
        chosen = diverse(scored, request.limit, asked - wanted.weights.keys())
    by_id = {item.hit.passage.passage_id: item for item in found}
    return tuple(
        replace(by_id[item.reading.hit.passage.passage_id], score=round(item.score, 4))
        for item in chosen
    )


@dataclass(kw_only=True)
class _Search:
    """The searches of one request, their hits without repeats in the order they came.

    Args:
        folder: of the index.
        only: ISO 639-1 code of the language to keep to, or "".
    """

    folder: Path
    only: str
    queries: list[str] = field(default_factory=list[str])
    hits: dict[str, Hit] = field(default_factory=dict[str, Hit])
    by_query: dict[str, tuple[Hit, ...]] = field(default_factory=dict[str, tuple[Hit, ...]])
    scores: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, query: str, k: int, weights: Weights = HYBRID) -> None:
        found = corpus.search(self.folder, query, k, weights, self.only)
        if not self.queries:
            self.scores = {hit.passage.passage_id: hit.score for hit in found}
        self.queries.append(query)
        self.by_query[query] = found
        for hit in found:
            self.hits.setdefault(hit.passage.passage_id, hit)

    def broaden(self, wanted: Wanted) -> frozenset[str]:
        """Search for a subject by its initials, too, and by what its surest passages tell.

        Returns:
            The ids of those passages.
        """
        initials = sorted({name for names in wanted.initials.values() for name in names})
        if initials:
            self.add(" ".join([wanted.text, *initials]), INITIALS_PASSAGES)
        generation = corpus.opened(self.folder).generation
        hits = tuple(self.hits.values())
        seeds, told = _surest(self.folder, generation, wanted.text, self.language(), hits)
        if told:
            self.add(" ".join([wanted.text, *initials, *told]), QUERY_PASSAGES)
        return seeds

    def core(self, seeds: Collection[str]) -> Core | None:
        """The passages of these ids as what the others are compared with."""
        rows = [row for row, passage_id in enumerate(self.hits) if passage_id in seeds]
        return Core(seeds=rows, rarity=corpus.rarity(self.folder)) if rows else None

    def wanted(self, text: str, *, question: bool | None = None) -> Wanted:
        """What a text asks for, read in the language of what was found."""
        return read_topic(text, self.language(), corpus.opened(self.folder), question=question)

    def language(self) -> str:
        """The language of most of what was found, or the one to keep to."""
        return self.only or _main_language(self.hits.values())

    def in_turns(self, queries: Iterable[str]) -> list[Hit]:
        """What these queries found: the best of each, then the second of each, without repeats."""
        rows = zip_longest(*(self.by_query[query] for query in queries))
        hits = (hit for row in rows for hit in row if hit is not None)
        return list({hit.passage.passage_id: hit for hit in hits}.values())

    def topic_scores(self) -> list[float]:
        """Each hit's score in the first search, 0 when that did not find it."""
        return [self.scores.get(passage_id, 0.0) for passage_id in self.hits]

    def readings(self) -> list[Reading]:
        """The passages found, read."""
        return [read(hit) for hit in self.hits.values()]


@lru_cache(maxsize=corpus.KEPT_SEARCHES)
def _surest(
    folder: Path, generation: int, topic: str, language: str, hits: tuple[Hit, ...]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """The ids of the passages surely on a subject, and what they tell; the same in each section."""
    del generation  # a part of the key: in another generation words are rare or common anew
    rarity, readings = corpus.rarity(folder), [read(hit) for hit in hits]
    wanted = read_topic(topic, language, corpus.opened(folder))
    seeds = [readings[row] for row in seeds_of(readings, wanted, rarity)]
    told = tuple(common_words(seeds, wanted, rarity))
    return frozenset(seed.hit.passage.passage_id for seed in seeds), told


def _explored(
    search: _Search, found: Sequence[Scored], wanted: Wanted, request: EvidenceRequest
) -> Sequence[Scored]:
    """Many passages, to be chosen from again: for a further question, what it found as it came."""
    if not wanted.question:
        return _telling(search, found, wanted, replace(request, limit=EXPLORED_PASSAGES))
    own = [
        hit
        for query in request.queries[:1]
        if query != request.topic
        for hit in search.by_query[query]
    ]
    if own:
        return [Scored(reading=read(hit), score=hit.score) for hit in own[:EXPLORED_PASSAGES]]
    readings = [item.reading for item in found]
    return greedy_set(readings, wanted, min(EXPLORED_PASSAGES, len(readings)))


def _answering(
    search: _Search, found: Sequence[Scored], wanted: Wanted, request: EvidenceRequest
) -> Sequence[Scored]:
    """The few passages that together answer a question, a follow-up's among them."""
    readings = [item.reading for item in found]
    if not readings:
        return ()
    if request.topic not in request.queries:
        wanted = search.wanted(request.queries[0], question=True)
    if request.follow_ups:
        first = greedy_set(readings, wanted, 1)[0].reading
        search.add(follow_up(wanted, first), FOLLOW_UP_PASSAGES, WORDS_ONLY)
        readings = search.readings()
    return greedy_set(readings, wanted, min(request.limit, ANSWER_PASSAGES))


def _telling(
    search: _Search, found: Sequence[Scored], wanted: Wanted, request: EvidenceRequest
) -> Sequence[Scored]:
    """Passages on a subject, those first that have what the queries add to it."""
    asked = {term for query in request.queries for term in search.wanted(query).weights}
    return diverse(found, request.limit, asked - wanted.weights.keys())


def _main_language(hits: Iterable[Hit]) -> str:
    counts = Counter(hit.language for hit in hits if hit.language)
    return counts.most_common(1)[0][0] if counts else ""
