"""Where the passages that a section cites give different values for the same. Pure.

Two sentences of different sources disagree when they name the same subject, say the same relation
of it, and give another number, date or name. Saying it falsely is worse than not saying it, so a
relation counts only where grammar ties it to the value ("the length of X is 12 km", "founded in
1998"), or where the two sentences have all their other words in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from wiseflow.core.documents import Hit
from wiseflow.core.report import Citation, Disagreement, Verdict
from wiseflow.research.values import Kind, Value, differ, values_in
from wiseflow.text import words
from wiseflow.text.sentences import sentences

# Of one section; more would not be read.
MOST = 5
# Sentences that are the same but for a value have to say something besides.
FEWEST_WORDS = 3
LONGEST_SENTENCE = 400

_TIES = r"(?:is|was|are|were|of|at|amounts to|amounted to|stands at|stood at|totals|totalled)"
_ABOUT = r"(?:(?:about|around|some|nearly|approximately|roughly|over|almost|exactly|given as)\s+)?"
_JOINED = r"(?:of|for|in|to)"
# Words that are no part of what a relation is called end it: in "a number of units", "a" does.
_WORD = r"(?!(?:the|a|an|its|their|his|her|and|or|with|has|had|by|on|from|as|that|which)\b)[\w-]+"
_RELATION = rf"(?P<relation>{_WORD}(?:\s+(?:{_JOINED}\s+(?:the\s+)?)?{_WORD}){{0,5}}?)"
# "§" stands for the names of the subject, "¤" for the value.
_BEFORE = re.compile(
    rf"\b(?:the|a|an|its|their|his|her|current|§(?:['’]s)?)\s+{_RELATION}"
    rf"(?:\s+(?:of|for|at|in)\s+(?:the\s+)?§)?,?\s+{_TIES}\s+{_ABOUT}¤",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"¤\s+(?:as|is|was)\s+(?:the|its|their)\s+{_RELATION}(?=\s+(?:of|for|at|in)\s+(?:the\s+)?§|[.,;]|$)",
    re.IGNORECASE,
)
# What happens to something once, so that two dates for it cannot both be right.
_ONCE = re.compile(
    r"§(?:\s+\([^)]*\))?,?\s+(?:is|was|were|has been)?\s*(?P<relation>born|founded|established|"
    r"opened|inaugurated|built|completed|died|launched|incorporated|premiered|abolished|dissolved)"
    r"\s+(?:in|on)\s+¤",
    re.IGNORECASE,
)
# A sentence that opens otherwise may speak of something else than what it names ("the film").
_OPENS = re.compile(r"[\W_]*(?:for\s+)?(?:the\s+)?§", re.IGNORECASE)
_OF_SUBJECT = re.compile(r"\s+(?:of|for|at|in)\s+(?:the\s+)?§", re.IGNORECASE)
_NAME_TIES = re.compile(r"\b(?:is|was|are|were)\s+¤", re.IGNORECASE)
_SUBJECT, _VALUE = "§", "¤"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentence:
    """A sentence of a passage: where it starts in it, and the names in it."""

    hit: Hit
    start: int
    text: str
    named: tuple[str, ...]

    @property
    def citation(self) -> Citation:
        """What points to it."""
        passage, start = self.hit.passage, self.hit.passage.start + self.start
        return Citation(
            source_id=passage.source_id,
            passage_id=passage.passage_id,
            start=start,
            end=start + len(self.text),
            quote=self.text,
            verdict=Verdict.SUPPORTED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """That a sentence gives a value for a relation of a subject.

    Args:
        citation: the sentence.
        about: the subject and the relation, to be compared.
        value: what is given.
        times: other dates in the sentence: what it says may hold for them only.
    """

    citation: Citation
    about: tuple[frozenset[str], frozenset[str], str]
    value: Value
    times: frozenset[str]


def disagreements(title: str, cited: Sequence[Hit]) -> tuple[Disagreement, ...]:
    """The disagreements between passages that a section cites, in their order, at most ``MOST``.

    Args:
        title: of the section.
        cited: the passages.
    """
    if len({hit.passage.source_id for hit in cited}) < 2:  # noqa: PLR2004 - it takes two
        return ()
    found: dict[tuple[object, ...], Disagreement] = {}
    said = [one for sentence in _comparable(cited) for one in _readings(sentence)]
    for group in _grouped(said):
        for one, other in combinations(group, 2):
            if _disagree(one, other):
                values = (one.value.text, other.value.text)
                found.setdefault(
                    (one.about, frozenset(values)),
                    Disagreement(
                        section=title, values=values, citations=(one.citation, other.citation)
                    ),
                )
    return tuple(found.values())[:MOST]


def _grouped(said: Iterable[_Said]) -> Iterable[list[_Said]]:
    groups: dict[tuple[object, ...], list[_Said]] = {}
    for one in said:
        groups.setdefault(one.about, []).append(one)
    return groups.values()


def _disagree(one: _Said, other: _Said) -> bool:
    return (
        one.citation.source_id != other.citation.source_id
        and one.times == other.times
        and differ(one.value, other.value)
    )


def _comparable(cited: Sequence[Hit]) -> list[_Sentence]:
    """The sentences that name somebody whom a sentence of another source names, too."""
    found = [sentence for hit in cited for sentence in _sentences(hit)]
    sources: dict[str, set[str]] = {}
    for one in found:
        for name in one.named:
            sources.setdefault(name, set()).add(one.hit.passage.source_id)
    # All else would be read for nothing, which took most of the time.
    return [one for one in found if any(len(sources[name]) > 1 for name in one.named)]


def _sentences(hit: Hit) -> Iterator[_Sentence]:
    """The sentences of a passage that state something of somebody."""
    passage = hit.passage
    for span in sentences(passage.text, language=hit.language):
        text = passage.text[span.start : span.end]
        if len(text) > LONGEST_SENTENCE or "?" in text:
            continue
        named = tuple(words.names(text))
        if named and not words.is_negated(text, hit.language):
            yield _Sentence(hit=hit, start=span.start, text=text, named=named)


def _readings(sentence: _Sentence) -> Iterator[_Said]:
    """What a sentence says, once for each value and each relation that it has."""
    named, found = sentence.named, list(values_in(sentence.text, sentence.named))
    for value in found:
        subjects = frozenset(
            name.casefold() for name in named if name not in value.text and value.text not in name
        )
        times = frozenset(
            one.text for one in found if one.kind is Kind.DATE and one.start != value.start
        )
        relations = _relations(sentence, value) if subjects else ()
        for relation in relations:
            yield _Said(
                citation=sentence.citation,
                about=(subjects, relation, f"{value.kind} {value.unit}"),
                value=value,
                times=times,
            )


def _relations(sentence: _Sentence, value: Value) -> Iterator[frozenset[str]]:
    """What the sentence says of its subject with this value, by the stems of its words."""
    masked = _masked(sentence.text, sentence.named, value)
    opens = _OPENS.match(masked)
    for pattern in (_BEFORE, _AFTER, _ONCE):
        match = pattern.search(masked)
        if match and _ties(pattern, match, value) and (opens or _is_of_subject(match, masked)):
            stems = frozenset(words.content_stems(match["relation"], "en"))
            if stems:
                yield stems
    if value.kind is Kind.QUANTITY and opens:
        plain = masked.replace(_SUBJECT, " ").replace(_VALUE, " ")
        rest = words.content_stems(plain, sentence.hit.language)
        if len(rest) >= FEWEST_WORDS:
            # Marked, so that it is never taken for a relation by grammar.
            yield frozenset((*rest, ""))


def _ties(pattern: re.Pattern[str], match: re.Match[str], value: Value) -> bool:
    """Whether a pattern may tie a relation to a value of this kind."""
    if pattern is _ONCE:
        return value.kind is Kind.DATE
    return value.kind is not Kind.NAME or bool(_NAME_TIES.search(match[0])) or pattern is _AFTER


def _is_of_subject(match: re.Match[str], masked: str) -> bool:
    return bool(_OF_SUBJECT.match(masked, match.end("relation")))


def _masked(text: str, named: Sequence[str], value: Value) -> str:
    """The sentence with signs for its names and its value; what it is called stays."""
    masked = f"{text[: value.start]}{_VALUE}{text[value.end :]}"
    for name in sorted(named, key=len, reverse=True):
        if name not in value.text and value.text not in name:
            masked = masked.replace(name, _SUBJECT)
    return " ".join(masked.split())
