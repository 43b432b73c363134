"""How well the main text of web pages and the text of PDFs is found."""

from __future__ import annotations

import gzip
import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from wiseflow.bench.figures import Figure, mean_with_range
from wiseflow.core.errors import DocumentError
from wiseflow.text.parsing import parse
from wiseflow.text.scripts import IDEOGRAPHS

ARTICLE_BAR = 0.955
PDF_MEAN_BAR = 0.86
PDF_LEAST_BAR = 0.65
_ARTICLE_SHINGLE = 4
_PDF_SHINGLE = 3

_WORD = re.compile(r"\w+")
_WORD_OR_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]|[^\\W{IDEOGRAPHS}]+")


def measure_articles(data_dir: Path) -> list[Figure]:
    """The article-extraction-benchmark's F1 of the main text, and how many pages came out empty.

    Args:
        data_dir: holds ``articles/gold.jsonl`` and ``articles/html/<id>.html.gz``.

    Source: Zyte, article-extraction-benchmark, ``evaluate.py``: 4-word shingles, counted; F1 of the
    mean precision and the mean recall.
    """
    folder = data_dir / "articles"
    scores: list[tuple[float | None, float | None]] = []
    empty = 0
    for line in (folder / "gold.jsonl").read_text("utf-8").splitlines():
        gold = json.loads(line)
        found = _text(gzip.decompress((folder / "html" / f"{gold['id']}.html.gz").read_bytes()))
        empty += not found.strip()
        scores.append(
            precision_and_recall(
                _shingles(_WORD.findall(gold["articleBody"]), _ARTICLE_SHINGLE),
                _shingles(_WORD.findall(found), _ARTICLE_SHINGLE),
            )
        )
    value, low, high = f1_of_means(scores)
    return [
        Figure(
            subject="articles",
            measure="main text F1",
            value=value,
            low=low,
            high=high,
            samples=len(scores),
            bar=ARTICLE_BAR,
        ),
        Figure(subject="articles", measure="empty pages", value=empty, samples=len(scores), most=0),
    ]


def measure_pdfs(data_dir: Path) -> list[Figure]:
    """F1 of word trigrams of each PDF against the text it was made from, their mean and minimum.

    Args:
        data_dir: holds ``pdf/*.pdf``, each with a ``.txt`` of the same name beside it.
    """
    scores: dict[str, float] = {}
    for path in sorted((data_dir / "pdf").glob("*.pdf")):
        gold = path.with_suffix(".txt").read_text("utf-8")
        scores[path.stem] = trigram_f1(gold, _text(path.read_bytes()))
    value, low, high = mean_with_range(list(scores.values()))
    measure = "word trigram F1"
    return [
        Figure(
            subject="pdf, mean",
            measure=measure,
            value=value,
            low=low,
            high=high,
            samples=len(scores),
            bar=PDF_MEAN_BAR,
        ),
        Figure(
            subject="pdf, least",
            measure=measure,
            value=min(scores.values(), default=0.0),
            samples=len(scores),
            bar=PDF_LEAST_BAR,
        ),
        *(Figure(subject=f"pdf, {name}", measure=measure, value=f1) for name, f1 in scores.items()),
    ]


def precision_and_recall(
    gold: Counter[tuple[str, ...]], found: Counter[tuple[str, ...]]
) -> tuple[float | None, float | None]:
    """The share of the found shingles that is right, and of the right ones that is found.

    ``None`` where there is nothing to take a share of.
    """
    shared = (gold & found).total()
    return (shared / found.total() if found else None, shared / gold.total() if gold else None)


def f1_of_means(scores: Sequence[tuple[float | None, float | None]]) -> tuple[float, float, float]:
    """F1 of the mean precision and the mean recall, with the ends of its 95 % range.

    The range is that of the pages' own F1 values around their mean, moved onto this figure.
    """
    each = [_f1(precision, recall) for precision, recall in scores]
    value = _f1(_mean(one[0] for one in scores), _mean(one[1] for one in scores))
    mean, low, high = mean_with_range(each)
    return value, value + low - mean, min(1.0, value + high - mean)


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else 0.0


def trigram_f1(gold: str, found: str) -> float:
    """F1 of counted word trigrams, lower-cased; each Han or kana character is a word."""
    first, second = (
        _shingles(_WORD_OR_IDEOGRAPH.findall(text.lower()), _PDF_SHINGLE) for text in (gold, found)
    )
    return _f1(*precision_and_recall(first, second))


def _f1(precision: float | None, recall: float | None) -> float:
    if precision is None and recall is None:
        return 1.0
    if not precision or not recall:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _shingles(tokens: list[str], size: int) -> Counter[tuple[str, ...]]:
    if not tokens:
        return Counter()
    last = max(1, len(tokens) - size + 1)
    return Counter(tuple(tokens[index : index + size]) for index in range(last))


def _text(data: bytes) -> str:
    """The text found in a file; none when it cannot be read, which the figures then show."""
    try:
        return "\n".join(document.text for document in parse(data, name="page.html").documents)
    except DocumentError:
        return ""
