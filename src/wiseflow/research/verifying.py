"""Whether a sentence is supported by the characters it cites. Pure.

A sentence quoted word for word is supported. Any other is compared by what it says: its content
words and their order, its numbers, its names, whether it denies. ``supported`` is only said where
nothing in the sentence is without support, so a changed number, name or denial is never passed.
"""

from __future__ import annotations

from collections.abc import Sequence

from wiseflow.core.report import Citation, Verdict
from wiseflow.text import words
from wiseflow.text.sentences import sentences

# Below this share of its content words in the quote, a sentence is about something else.
LEAST_SHARED = 0.5
# Words may stand in a slightly other order in a paraphrase; "A beat B" and "B beat A" may not pass.
LEAST_IN_ORDER = 0.8


def verdict_of(sentence: str, citation: Citation, stored: str, *, language: str) -> Verdict:
    """The verdict on one citation of a sentence.

    Args:
        sentence: what the report says.
        citation: what it points to; its own verdict is not looked at.
        stored: the whole stored text of the cited source.
        language: ISO 639-1 code of the source, or "".

    A citation whose quote is not what stands at its span is unsupported: it points nowhere.
    """
    if not citation.quote or stored[citation.start : citation.end] != citation.quote:
        return Verdict.UNSUPPORTED
    if sentence and sentence in citation.quote:
        return Verdict.SUPPORTED
    return entailment(sentence, citation.quote, language=language)


def entailment(sentence: str, quote: str, *, language: str) -> Verdict:
    """Whether ``quote`` says what ``sentence`` says, as far as words can tell."""
    claimed = words.content_stems(sentence, language)
    if not claimed:
        return Verdict.UNVERIFIED
    held = words.content_stems(quote, language)
    shared = sum(stem in set(held) for stem in claimed) / len(claimed)
    if shared < LEAST_SHARED or _contradicts(sentence, quote, language):
        return Verdict.UNSUPPORTED
    if shared == 1 and _share_in_order(claimed, held) >= LEAST_IN_ORDER:
        return Verdict.SUPPORTED
    return Verdict.UNVERIFIED


def _contradicts(sentence: str, quote: str, language: str) -> bool:
    """Whether the sentence has a number or a name that the quote lacks, or denies what it says."""
    if not set(words.numbers(sentence)) <= set(words.numbers(quote)):
        return True
    known = set(words.stems(quote, language))
    if any(not set(words.stems(name, language)) <= known for name in words.names(sentence)):
        return True
    nearest = _nearest_sentence(sentence, quote, language)
    return words.is_negated(sentence, language) != words.is_negated(nearest, language)


def _nearest_sentence(sentence: str, quote: str, language: str) -> str:
    claimed = set(words.content_stems(sentence, language))
    parts = [quote[span.start : span.end] for span in sentences(quote, language=language)]
    return max(
        parts or [quote],
        key=lambda part: len(claimed.intersection(words.content_stems(part, language))),
    )


def _share_in_order(claimed: Sequence[str], held: Sequence[str]) -> float:
    """The longest common subsequence of the two, as a share of ``claimed``."""
    row = [0] * (len(held) + 1)
    for stem in claimed:
        diagonal = 0
        for place, other in enumerate(held, start=1):
            above = row[place]
            row[place] = diagonal + 1 if stem == other else max(above, row[place - 1])
            diagonal = above
    return row[-1] / len(claimed)
