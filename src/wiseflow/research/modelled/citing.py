"""From what a model cites to characters of a source. Pure.

A quote that a model gives is looked for in the passage, character for character, then with case,
white space, quotation marks and dashes made alike. Where there is none, or it is not there, the
sentences of the passage that say most of the claim are taken. What is cited is always the source's
own characters.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property

from wiseflow.core.documents import Hit, Span
from wiseflow.core.report import Citation
from wiseflow.text import words
from wiseflow.text.sentences import sentences

# A shorter quote stands in too many places to mean one.
FEWEST_QUOTED = 12
# A longer one says where to look, but not what to look at.
MOST_QUOTED = 800
# A second sentence is taken with the best one when it brings so much more of the claim's words.
WORTH_A_SENTENCE = 0.2

# Brackets among them, as a prompt shows "<" and "[1]" in a form that cannot act.
_ALIKE = str.maketrans(
    dict.fromkeys("“”„«»‟″", '"') | dict.fromkeys("‘’‚‛′`", "'") | dict.fromkeys("‐‑‒–—―−", "-")
    | {"‹": "<", "›": ">", "[": "(", "]": ")"}
)  # fmt: skip
_ELLIPSES = ("…", "[...]", "...")


@dataclass(frozen=True)
class Quotable:
    """A passage that sentences may be cited from; what it takes to look is made once.

    Not slotted, as what is made is kept in it.
    """

    hit: Hit

    @property
    def text(self) -> str:
        """The passage's characters."""
        return self.hit.passage.text

    @cached_property
    def sentences(self) -> list[tuple[Span, frozenset[str]]]:
        """Its sentences with the stems of their content words."""
        spans = sentences(self.text, language=self.hit.language) or [
            Span(start=0, end=len(self.text))
        ]
        return [(span, self.stems(self.text[span.start : span.end])) for span in spans]

    @cached_property
    def folded(self) -> tuple[str, list[int]]:
        """Its text made alike, and where in it each of those characters comes from."""
        return _folded(self.text)

    def stems(self, text: str) -> frozenset[str]:
        """The stems of the content words of ``text``, in the passage's language."""
        return frozenset(words.content_stems(text, self.hit.language))

    def citation(self, claim: str, quote: str = "") -> Citation:
        """What ``claim`` cites of this passage.

        Args:
            claim: a sentence of the report.
            quote: what the model says it took from the passage, or "".
        """
        return self.quoted(quote) or self._cite(self._nearest(claim))

    def quoted(self, quote: str) -> Citation | None:
        """What a quote of this passage points to; ``None`` when it does not stand there."""
        span = self._quoted(quote) if quote else None
        return self._cite(span) if span else None

    def _cite(self, span: Span) -> Citation:
        passage = self.hit.passage
        return Citation(
            source_id=passage.source_id,
            passage_id=passage.passage_id,
            start=passage.start + span.start,
            end=passage.start + span.end,
            quote=self.text[span.start : span.end],
        )

    def _quoted(self, quote: str) -> Span | None:
        """Where the quote stands, grown to whole sentences; ``None`` when it does not."""
        for part in _parts(quote):
            if len(part) < FEWEST_QUOTED:
                continue
            span = _verbatim(part, self.text) or self._alike(part)
            if span is not None and span.end - span.start <= MOST_QUOTED:
                return self._whole_sentences(span)
        return None

    def _alike(self, quote: str) -> Span | None:
        text, places = self.folded
        wanted = _folded(quote)[0].strip(" .\"'")
        start = text.find(wanted) if len(wanted) >= FEWEST_QUOTED else -1
        if start < 0:
            return None
        return Span(start=places[start], end=places[start + len(wanted) - 1] + 1)

    def _whole_sentences(self, span: Span) -> Span:
        touched = [
            found
            for found, _ in self.sentences
            if found.start < span.end and span.start < found.end
        ]
        start = min([span.start, *(found.start for found in touched)])
        end = max([span.end, *(found.end for found in touched)])
        return Span(start=start, end=end) if end - start <= MOST_QUOTED else span

    def _nearest(self, claim: str) -> Span:
        """The one or two sentences next to each other that say most of the claim."""
        wanted = self.stems(claim)
        shares = [len(wanted & stems) / max(1, len(wanted)) for _, stems in self.sentences]
        best = max(range(len(shares)), key=shares.__getitem__)
        span = self.sentences[best][0]
        for beside in (best - 1, best + 1):
            if 0 <= beside < len(shares):
                other, stems = self.sentences[beside]
                both = len(wanted & (stems | self.sentences[best][1])) / max(1, len(wanted))
                start, end = min(span.start, other.start), max(span.end, other.end)
                if both - shares[best] >= WORTH_A_SENTENCE and end - start <= MOST_QUOTED:
                    return Span(start=start, end=end)
        return Span(start=span.start, end=min(span.end, span.start + MOST_QUOTED))


def _parts(quote: str) -> list[str]:
    """What stands between the places where a quote leaves something out, the longest first."""
    for ellipsis in _ELLIPSES:
        quote = quote.replace(ellipsis, "\n")
    parts = [part.strip().strip('"“”«»„') for part in quote.split("\n")]
    return [" ".join(quote.split()), *sorted(parts, key=len, reverse=True)]


def _verbatim(quote: str, text: str) -> Span | None:
    start = text.find(quote)
    return Span(start=start, end=start + len(quote)) if start >= 0 else None


def _folded(text: str) -> tuple[str, list[int]]:
    """``text`` made alike, and for each of its characters the place that it comes from."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for part in _fold(character):
            if part != " " or (characters and characters[-1] != " "):
                characters.append(part)
                places.append(place)
    return "".join(characters), places


def _fold(character: str) -> str:
    if character.isspace():
        return " "
    if unicodedata.category(character) in {"Cf", "Cc"}:
        return ""
    return unicodedata.normalize("NFKC", character.translate(_ALIKE)).casefold()
