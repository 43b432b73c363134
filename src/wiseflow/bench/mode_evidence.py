"""What each mode finds of the passages that answer a question, over documents, without a model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from wiseflow.bench.briefs import (
    DataSet,
    InlineBranches,
    InlineCompute,
    MemoryRun,
    Reports,
    Sources,
    load,
)
from wiseflow.bench.figures import Figure, mean_figure
from wiseflow.core.authoring import Assignment, Draft
from wiseflow.core.clock import SystemClock
from wiseflow.core.configuration import Configuration, ResearchMode
from wiseflow.research.extractive.authors import ExtractiveAuthor
from wiseflow.research.extractive.retrieving import IndexRetriever
from wiseflow.research.handler import ResearchHandler, ResearchTeam

SET = "mh_mix"
CUTS = (2, 5, 10)
# Each mode with a depth: how often a finding may lead to a new question.
LINEAR = (ResearchMode.LINEAR, 2)
DEEPER = ((ResearchMode.GRAPH, 2), (ResearchMode.GRAPH, 3), (ResearchMode.MULTI_AGENT, 2))

Found = Mapping[str, Sequence[str]]


class WatchedAuthor(ExtractiveAuthor):
    """The embedded author, who keeps what each section was last written from."""

    def __init__(self, index_folder: Path) -> None:
        super().__init__(InlineCompute(), index_folder)
        self.sections: dict[int, list[str]] = {}

    async def write(self, assignment: Assignment) -> Draft:
        """The claims of one section."""
        sources = (item.hit.passage.source_id for item in assignment.evidence)
        self.sections[assignment.place] = list(sources)
        return await super().write(assignment)

    @property
    def documents(self) -> list[str]:
        """The documents of all sections, section by section, each once."""
        found = (one for place in sorted(self.sections) for one in self.sections[place])
        return list(dict.fromkeys(found))


def measure_mode_evidence(data_dir: Path, work_dir: Path) -> list[Figure]:
    """Recall of the documents that answer a question, and its gain over linear, paired.

    Args:
        data_dir: with the folder ``mh_mix``.
        work_dir: for the index.

    Raises:
        NotFound: the data set is missing.
    """
    data = load(data_dir / SET, work_dir / SET, split="dev")
    before, figures = _measured(data, *LINEAR)
    for mode, depth in DEEPER:
        found, own = _measured(data, mode, depth)
        figures += [*own, *_gains(data, f"{mode}, depth {depth}", found, before)]
    return figures


def _measured(data: DataSet, mode: ResearchMode, depth: int) -> tuple[Found, list[Figure]]:
    begun = time.process_time()
    found = asyncio.run(_found(data, mode, depth))
    cpu_ms = 1e3 * (time.process_time() - begun) / len(found)
    subject = f"{mode}, depth {depth}"
    recalls = [
        mean_figure(subject, f"R@{cut}", list(_recalls(data, found, cut).values())) for cut in CUTS
    ]
    return found, [*recalls, Figure(subject=subject, measure="CPU a research, ms", value=cpu_ms)]


def _gains(data: DataSet, subject: str, found: Found, before: Found) -> list[Figure]:
    figures: list[Figure] = []
    for cut in CUTS[:2]:
        ours, theirs = _recalls(data, found, cut), _recalls(data, before, cut)
        gains = [ours[query] - theirs[query] for query in ours]
        measure = f"R@{cut} − linear"
        better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
        figures += [
            mean_figure(subject, measure, gains, bar=0.0),
            Figure(subject=subject, measure=f"{measure}: better", value=better, samples=len(gains)),
            Figure(subject=subject, measure=f"{measure}: worse", value=worse, samples=len(gains)),
        ]
    return figures


def _recalls(data: DataSet, found: Found, cut: int) -> dict[str, float]:
    """Per cent of the gold documents among the first ``cut``, by query."""
    return {
        query: 100.0 * len(set(documents[:cut]) & set(data.gold[query])) / len(data.gold[query])
        for query, documents in found.items()
    }


async def _found(data: DataSet, mode: ResearchMode, depth: int) -> Found:
    configuration = Configuration(research_mode=mode, max_search_depth=depth)
    found: dict[str, Sequence[str]] = {}
    for query in data.queries:
        if query["id"] not in data.gold:
            continue
        author = WatchedAuthor(data.index_folder)
        handler = ResearchHandler(
            ResearchTeam(
                author=lambda _, author=author: author,
                retriever=lambda _: IndexRetriever(InlineCompute(), data.index_folder),
                sources=Sources(data.sources),
                reports=Reports(),
                branches=InlineBranches(),
                clock=SystemClock(),
            )
        )
        await handler(MemoryRun.of(str(query["id"]), str(query["text"]), configuration))
        found[query["id"]] = author.documents
    return found
