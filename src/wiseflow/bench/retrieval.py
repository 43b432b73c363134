"""Retrieval on data with known answers: recall of hybrid search, and of plain BM25 beside it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiseflow.bench.data import read_rows
from wiseflow.bench.figures import Figure, mean_figure
from wiseflow.core.documents import Source, passage_of
from wiseflow.core.library import IndexChange, StoredSource
from wiseflow.knowledge.index import PassageIndex, open_index
from wiseflow.knowledge.ranking import HYBRID, PLAIN_BM25, Weights
from wiseflow.knowledge.writing import apply

# Families of questions by the beginning of their ids, and the R@5 that hybrid search has to reach.
FAMILIES = {"hp_": ("HotpotQA", 74.0), "mq_": ("MuSiQue", 46.0)}
MOST_MS_A_QUERY = 4.0
LEAST_PASSAGES_A_SECOND = 3000.0

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query and the passages that answer it."""

    query_id: str
    text: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The documents found for a question, best first, in ``seconds``."""

    question: Question
    documents: tuple[str, ...]
    seconds: float

    def recall(self, k: int) -> float:
        """Per cent of the gold documents among the first ``k``."""
        return 100.0 * len(self.question.gold & set(self.documents[:k])) / len(self.question.gold)

    def has_all(self, k: int) -> float:
        """100 when every gold document is among the first ``k``, else 0."""
        return 100.0 * (self.recall(k) == 100.0)  # noqa: PLR2004 - per cent


def measure_retrieval(data_dir: Path, work_dir: Path, *, split: str = "dev") -> list[Figure]:
    """Figures of search on the data sets that ``data_dir`` holds.

    Args:
        data_dir: with the folders ``mh_mix``, ``deepscholar`` and ``freshwiki``.
        work_dir: for the indexes; what is there is used again.
        split: the folder of the queries within each set.

    Raises:
        NotFound: a data set is missing.
    """
    return [
        *_multi_hop_figures(_run("mh_mix", data_dir, work_dir, split=split, k=5)),
        *_theme_figures(_run("deepscholar", data_dir, work_dir, split=split, k=20)),
        *_theme_figures(_run("freshwiki", data_dir, work_dir, split=split, k=50)),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What both methods found on a data set, in the same order.

    Args:
        name: of the set.
        k: how many passages were asked for.
        passages_a_second: how fast they were indexed; ``None`` where an index was there.
        hybrid, plain: what was found.
    """

    name: str
    k: int
    passages_a_second: float | None
    hybrid: Sequence[Found]
    plain: Sequence[Found]


def _run(name: str, data_dir: Path, work_dir: Path, *, split: str, k: int) -> Run:
    folder = work_dir / "retrieval" / name
    rate = None if folder.exists() else _index(read_rows(data_dir / name / "corpus.jsonl"), folder)
    questions = _questions(data_dir / name / split)
    index = open_index(folder)
    return Run(
        name=name,
        k=k,
        passages_a_second=rate,
        hybrid=_search(index, questions, k, HYBRID),
        plain=_search(index, questions, k, PLAIN_BM25),
    )


def _multi_hop_figures(run: Run) -> list[Figure]:
    figures: list[Figure] = []
    for beginning, (family, bar) in FAMILIES.items():
        for method, found in (("hybrid", run.hybrid), ("plain BM25", run.plain)):
            chosen = [each for each in found if each.question.query_id.startswith(beginning)]
            least = bar if method == "hybrid" else None
            figures += [
                mean_figure(family, f"R@2, {method}", [each.recall(2) for each in chosen]),
                mean_figure(
                    family, f"R@5, {method}", [each.recall(5) for each in chosen], bar=least
                ),
                mean_figure(family, f"all-gold@5, {method}", [each.has_all(5) for each in chosen]),
            ]
    return [*figures, *_paired_figures(run), *_speed_figures(run)]


def _theme_figures(run: Run) -> list[Figure]:
    measure = f"R@{run.k}"
    return [
        mean_figure(run.name, f"{measure}, hybrid", [each.recall(run.k) for each in run.hybrid]),
        mean_figure(run.name, f"{measure}, plain BM25", [each.recall(run.k) for each in run.plain]),
        *_paired_figures(run),
    ]


def _paired_figures(run: Run) -> list[Figure]:
    differences = [
        ours.recall(run.k) - plain.recall(run.k)
        for ours, plain in zip(run.hybrid, run.plain, strict=True)
    ]
    better = sum(difference > 0 for difference in differences)
    worse = sum(difference < 0 for difference in differences)
    count = len(differences)
    measure = f"R@{run.k}, hybrid − plain BM25"
    return [
        mean_figure(run.name, measure, differences, bar=0.0 if run.name == "mh_mix" else None),
        Figure(subject=run.name, measure=f"{measure}: better", value=better, samples=count),
        Figure(subject=run.name, measure=f"{measure}: worse", value=worse, samples=count),
    ]


def _speed_figures(run: Run) -> list[Figure]:
    milliseconds = [1000.0 * each.seconds for each in run.hybrid]
    speed = Figure(
        subject=run.name,
        measure="ms a query, median",
        value=statistics.median(milliseconds),
        samples=len(milliseconds),
        most=MOST_MS_A_QUERY,
    )
    if run.passages_a_second is None:
        return [speed]
    rate = Figure(
        subject=run.name,
        measure="passages indexed a second of CPU",
        value=run.passages_a_second,
        bar=LEAST_PASSAGES_A_SECOND,
    )
    return [speed, rate]


def _search(
    index: PassageIndex, questions: Sequence[Question], k: int, weights: Weights
) -> list[Found]:
    found: list[Found] = []
    for question in questions:
        started = time.perf_counter()
        hits = index.search(question.text, k=k, weights=weights)
        seconds = time.perf_counter() - started
        documents = tuple(hit.document_id for hit in hits)
        found.append(Found(question=question, documents=documents, seconds=seconds))
    return found


def _index(rows: Sequence[Row], folder: Path) -> float:
    change = IndexChange(added=tuple(map(_stored, rows)))
    started = time.process_time()
    apply(folder, change)
    return len(rows) / max(time.process_time() - started, 1e-9)


def _stored(row: Row) -> StoredSource:
    document_id, title, text = str(row["id"]), str(row["title"]), str(row["text"])
    source = Source(
        source_id=document_id,
        collection="bench",
        document_id=document_id,
        path="corpus.jsonl",
        title=title,
        url="",
        published="",
        language="en",
        sha256="",
        text=text,
    )
    return StoredSource(source=source, passages=(passage_of(source, 0, len(text)),))


def _questions(folder: Path) -> list[Question]:
    gold: dict[str, set[str]] = {}
    for row in read_rows(folder / "qrels.jsonl"):
        gold.setdefault(row["qid"], set()).add(row["doc"])
    return [
        Question(
            query_id=row["id"],
            text=f"{row['text']} {row.get('abstract', '')}".strip(),
            gold=frozenset(gold[row["id"]]),
        )
        for row in read_rows(folder / "queries.jsonl")
        if row["id"] in gold
    ]
