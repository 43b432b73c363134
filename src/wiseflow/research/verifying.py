"""Whether a sentence is supported by the characters it cites. Pure.

A sentence quoted word for word is supported. Any other is compared by what it says: its content
words and their order, its numbers, its names and their order, whether it denies. ``supported`` is
only said where nothing in the sentence is without support, so a changed number, name or denial is
never passed. Where words cannot tell, as across languages, it is unverified.

Words are the first judge. What a second one says, who reads, is joined to it by ``agreed``: it
settles what words leave open, and never passes what they veto.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wiseflow.core.report import Citation, Verdict
from wiseflow.text import words
from wiseflow.text.sentences import sentences

# Below this share of its content words in the passage, a sentence is about something else.
LEAST_SHARED = 0.5
# Words may stand in a slightly other order in a paraphrase; "A beat B" and "B beat A" may not pass.
# Source: docs/adr/0052-verdicts-by-words.md, measured on PAWS, MRPC and changed sentences.
LEAST_IN_ORDER = 0.9
# What the quote itself has to hold; the rest may be what the document is about, or what the other
# citations of the sentence hold.
LEAST_IN_QUOTE, LEAST_BESIDE_OTHERS = 0.6, 0.25
_LETTERS_LOOKED_AT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a sentence and its quote stand among.

    Args:
        language: ISO 639-1 code of the sentence, or "" where it is not known.
        title: of the cited document: its sentences often leave out what they are about.
        passage: that the quote is taken from.
        beside: the other quotes that the same sentence cites.
    """

    language: str = ""
    title: str = ""
    passage: str = ""
    beside: str = ""


_NOTHING = Surroundings()


class Reason(StrEnum):
    """Why words find what they find of a citation."""

    VERBATIM = "it stands there word for word"
    HELD = "all that it says is held"
    OPEN = "words cannot tell"
    GONE = "its quote does not stand at its place in the source"
    NUMBER = "it has a number that none of its passages has"
    NAME = "it has a name that none of its passages has"
    DENIAL = "it denies what its passage affirms, or affirms what it denies"
    FEW_WORDS = "its passage has less than half of its words"


VERDICTS = {
    Reason.VERBATIM: Verdict.SUPPORTED,
    Reason.HELD: Verdict.SUPPORTED,
    Reason.OPEN: Verdict.UNVERIFIED,
    Reason.GONE: Verdict.UNSUPPORTED,
    Reason.NUMBER: Verdict.UNSUPPORTED,
    Reason.NAME: Verdict.UNSUPPORTED,
    Reason.DENIAL: Verdict.UNSUPPORTED,
    Reason.FEW_WORDS: Verdict.UNSUPPORTED,
}
# What no second judge may pass. Source: docs/adr/0080-a-second-judge-and-one-repair.md, measured.
VETOES = frozenset({Reason.GONE, Reason.NUMBER, Reason.NAME, Reason.DENIAL})


def agreed(reason: Reason, opinion: Verdict) -> Verdict:
    """The verdict on a citation that words and a second judge have looked at.

    Args:
        reason: what words found.
        opinion: of the second judge; ``unverified`` where there is none.

    Where words find most of a sentence missing and the judge finds it supported, nobody knows.
    """
    verdict = VERDICTS[reason]
    if verdict is Verdict.SUPPORTED or reason in VETOES or opinion is Verdict.UNVERIFIED:
        return verdict
    if verdict is Verdict.UNSUPPORTED and opinion is Verdict.SUPPORTED:
        return Verdict.UNVERIFIED
    return opinion


def verdict_of(
    sentence: str,
    citation: Citation,
    stored: str,
    *,
    language: str,
    around: Surroundings = _NOTHING,
) -> Verdict:
    """The verdict of words on one citation of a sentence; arguments as in ``reason_for``."""
    return VERDICTS[reason_for(sentence, citation, stored, language=language, around=around)]


def reason_for(
    sentence: str,
    citation: Citation,
    stored: str,
    *,
    language: str,
    around: Surroundings = _NOTHING,
) -> Reason:
    """What words find of one citation of a sentence.

    Args:
        sentence: what the report says.
        citation: what it points to; its own verdict is not looked at.
        stored: the whole stored text of the cited source.
        language: ISO 639-1 code of the source, or "".
        around: what the two stand among.

    A citation whose quote is not what stands at its span is unsupported: it points nowhere.
    """
    if not citation.quote or stored[citation.start : citation.end] != citation.quote:
        return Reason.GONE
    if sentence and sentence in citation.quote:
        return Reason.VERBATIM
    return compare(sentence, citation.quote, language=language, around=around)


def entailment(
    sentence: str, quote: str, *, language: str, around: Surroundings = _NOTHING
) -> Verdict:
    """Whether ``quote`` says what ``sentence`` says, as far as words can tell."""
    return VERDICTS[compare(sentence, quote, language=language, around=around)]


def compare(sentence: str, quote: str, *, language: str, around: Surroundings = _NOTHING) -> Reason:
    """What words find of a sentence and a quote that is where it should be."""
    told = f"{quote}\n{around.title}\n{around.passage}\n{around.beside}"
    claimed = words.content_stems(sentence, language)
    if claimed and not words.numbers(sentence) <= words.numbers(told):
        return Reason.NUMBER
    if not claimed or _speak_otherwise(sentence, quote, language, around):
        return Reason.OPEN
    if _has_strange_name(sentence, told, language):
        return Reason.NAME
    if _denies_otherwise(sentence, quote, language):
        return Reason.DENIAL
    if _share(claimed, told, language) < LEAST_SHARED:
        return Reason.FEW_WORDS
    return _by_words(sentence, quote, language, around)


def _by_words(sentence: str, quote: str, language: str, around: Surroundings) -> Reason:
    """``HELD`` where all of the sentence is held, in the order in which it says it."""
    claimed = words.content_stems(sentence, language)
    held = words.content_stems(quote, language)
    share = sum(stem in set(held) for stem in claimed) / len(claimed)
    whole = _share(claimed, f"{quote}\n{around.title}\n{around.beside}", language)
    if share == 0 and around.beside:
        return Reason.FEW_WORDS
    if whole < 1 or share < (LEAST_BESIDE_OTHERS if around.beside else LEAST_IN_QUOTE):
        return Reason.OPEN
    said = [stem for stem in claimed if stem in set(held)]
    named = {stem for name in words.names(sentence) for stem in words.stems(name, language)}
    names = [stem for stem in said if stem in named]
    in_order = _share_in_order(said, held) >= LEAST_IN_ORDER and _share_in_order(names, held) == 1
    return Reason.HELD if in_order else Reason.OPEN


def _speak_otherwise(sentence: str, quote: str, language: str, around: Surroundings) -> bool:
    """Whether the two are of other languages or scripts, so that their words say nothing."""
    if language and around.language and language != around.language:
        return True
    scripts = _script(sentence), _script(quote)
    return all(scripts) and scripts[0] != scripts[1]


def _script(text: str) -> str:
    """The script of most of the first letters, as Unicode names it; "" without letters."""
    letters = [character for character in text if character.isalpha()][:_LETTERS_LOOKED_AT]
    scripts = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters]
    found = max(set(scripts), key=scripts.count, default="")
    # Japanese is written in three.
    return "CJK" if found in {"HIRAGANA", "KATAKANA"} else found


def _has_strange_name(sentence: str, told: str, language: str) -> bool:
    """Whether the sentence names what nothing cited names."""
    known = set(words.stems(told, language))
    return any(not set(words.stems(name, language)) <= known for name in words.names(sentence))


def _denies_otherwise(sentence: str, quote: str, language: str) -> bool:
    """Whether the sentence denies what the quote says, or the other way round."""
    nearest = _nearest_sentence(sentence, quote, language)
    return words.is_negated(sentence, language) != words.is_negated(nearest, language)


def _share(claimed: Sequence[str], text: str, language: str) -> float:
    held = set(words.content_stems(text, language))
    return sum(stem in held for stem in claimed) / len(claimed)


def _nearest_sentence(sentence: str, quote: str, language: str) -> str:
    claimed = set(words.content_stems(sentence, language))
    parts = [quote[span.start : span.end] for span in sentences(quote, language=language)]
    return max(
        parts or [quote],
        key=lambda part: len(claimed.intersection(words.content_stems(part, language))),
    )


def _share_in_order(claimed: Sequence[str], held: Sequence[str]) -> float:
    """The longest common subsequence of the two, as a share of ``claimed``; 1 for none."""
    if not claimed:
        return 1.0
    row = [0] * (len(held) + 1)
    for stem in claimed:
        diagonal = 0
        for place, other in enumerate(held, start=1):
            above = row[place]
            row[place] = diagonal + 1 if stem == other else max(above, row[place - 1])
            diagonal = above
    return row[-1] / len(claimed)
