"""What Markdown and HTML share: numbers of citations, and facts as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wiseflow.core.jobs import StopReason
from wiseflow.core.money import money
from wiseflow.core.report import (
    AuthorKind,
    BuildsOn,
    Citation,
    Claim,
    Disagreement,
    Report,
    ReportAuthor,
    Section,
    SourceReference,
)

# Characters that act instead of being seen: controls, and those that turn the direction of text.
# Source: Unicode Standard Annex 9, section 2 "Directional Formatting Characters".
CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
_SAFE_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+\Z", re.IGNORECASE)
SHOWN_AUTHORS = 3
_MINUTE_S, _HOUR_S = 60, 3600
NOT_FOUND_TITLE = "What was not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A numbered entry of the bibliography with the quotes that the report takes from it."""

    number: int
    source: SourceReference
    quotes: tuple[Citation, ...]

    def anchor(self, citation: Citation) -> str:
        """Where in the page a quote of this entry stands."""
        spans = [(quote.start, quote.end) for quote in self.quotes]
        return f"source-{self.number}-{spans.index((citation.start, citation.end)) + 1}"


def all_claims(report: Report) -> Iterator[Claim]:
    """Every claim of a report in reading order: the summary, then section by section."""
    yield from report.summary
    yield from section_claims(report.sections)


def section_claims(sections: Iterable[Section]) -> Iterator[Claim]:
    """Every claim of sections and their subsections in reading order."""
    for section in sections:
        yield from section.claims
        yield from section_claims(section.subsections)


def references(report: Report) -> dict[str, Reference]:
    """The bibliography by source id, numbered from 1 in the report's order.

    A source that is cited and missing in the bibliography gets an entry with its id alone.
    """
    quotes: dict[str, dict[tuple[int, int], Citation]] = {}
    for citation in _citations(report):
        spans = quotes.setdefault(citation.source_id, {})
        spans.setdefault((citation.start, citation.end), citation)
    sources = {source.id: source for source in report.sources}
    for source_id in quotes:
        sources.setdefault(source_id, _bare(source_id))
    return {
        source.id: Reference(
            number=number,
            source=source,
            quotes=tuple(citation for _, citation in sorted(quotes.get(source.id, {}).items())),
        )
        for number, source in enumerate(sources.values(), start=1)
    }


def _citations(report: Report) -> Iterator[Citation]:
    """All that a report points to, in reading order; where sources disagree, after its claims."""
    for claim in all_claims(report):
        yield from claim.citations
    for one in report.facts.disagreements:
        yield from one.citations


def disagreements_of(report: Report, section: Section) -> list[Disagreement]:
    """Where the sources of a section disagree."""
    return [one for one in report.facts.disagreements if one.section == section.title]


def paragraphs(claims: Iterable[Claim]) -> list[list[Claim]]:
    """Claims in paragraphs: neighbours that cite the same source first stand together."""
    result: list[list[Claim]] = []
    last: str | None = None
    for claim in claims:
        source_id = claim.citations[0].source_id if claim.citations else ""
        if not result or source_id != last:
            result.append([])
        result[-1].append(claim)
        last = source_id
    return result


def printable(text: str) -> str:
    """``text`` on one line, with what would move the cursor or turn the direction replaced."""
    return " ".join(CONTROL.sub("\N{REPLACEMENT CHARACTER}", text).split())


def safe_address(url: str) -> str:
    """``url`` if a reader may follow it (http or https), else ""."""
    return url if _SAFE_ADDRESS.match(url) and not CONTROL.search(url) else ""


def author_line(author: ReportAuthor) -> str:
    """Who wrote the report, as one sentence."""
    if author.kind is AuthorKind.EXTRACTIVE:
        return (
            "No language model was used: every sentence is quoted, word for word, "
            "from the documents it cites."
        )
    return f"Written by {', '.join(author.models) or 'a language model'}; citations were checked."


def partial_line(report: Report) -> str:
    """That something of the report is lost and why, as one sentence; "" when nothing is."""
    if not report.facts.partial:
        return ""
    spent = report.facts.stop_reason is StopReason.BUDGET
    why = "its budget is spent" if spent else "parts of it failed"
    return f"This report is partial, as {why}: see “{NOT_FOUND_TITLE}”."


def verdict_line(report: Report) -> str:
    """How many citations held, and what was done about those that did not."""
    facts = report.facts
    share = f" ({100 * facts.supported / facts.citations:.0f} %)" if facts.citations else ""
    held = f"{facts.citations} checked: {facts.supported} supported{share}"
    parts = [f"{held}, {facts.unsupported} unsupported, {facts.unverified} unverified"]
    if facts.repaired:
        parts.append(f"{facts.repaired} sentences mended")
    if facts.withdrawn:
        parts.append(f"{facts.withdrawn} unsupported sentences left out")
    if facts.dropped:
        parts.append(f"{facts.dropped} sentences without one dropped")
    return "; ".join(parts)


def marks_line(report: Report) -> str:
    """What the marks at citations mean, as one sentence; "" when there are none."""
    facts = report.facts
    told: list[str] = []
    if facts.unsupported:
        told.append("“unsupported” (✗) says that the cited passage does not support the sentence")
    if facts.unverified:
        told.append("“unverified” (?) says that it could not be told whether it does")
    return f"At a citation, {', and '.join(told)}." if told else ""


def label_of(source: SourceReference) -> str:
    """What a source is called: its title, or else its file's name, its address or its id."""
    name = source.path.rstrip("/").rpartition("/")[2]
    return next(filter(printable, (source.title, name, source.url)), source.id)


def names_line(source: SourceReference) -> str:
    """Who wrote a source, as a bibliography tells it: at most three names, of more "et al."."""
    names = [name for one in source.authors if (name := printable(one))]
    more = " et al." if len(names) > SHOWN_AUTHORS else ""
    return ", ".join(names[:SHOWN_AUTHORS]) + more


def imprint_line(source: SourceReference) -> str:
    """Where and when a source was published; a site that is its only author is not repeated."""
    site, published = printable(source.site), printable(source.published)
    told = [
        "" if site == names_line(source) else site,
        f"published {published}" if published else "",
    ]
    line = ", ".join(filter(None, told))
    return line[:1].upper() + line[1:] if line.startswith("published ") else line


def entry_line(source: SourceReference) -> str:
    """A source as an entry of a bibliography: ``Author, Author. Title. Site, published 2024.``."""
    parts = [names_line(source), printable(label_of(source)), imprint_line(source)]
    told = [part for part in parts if part]
    return " ".join(map(ended, told)) if len(told) > 1 else "".join(told)


def ended(part: str) -> str:
    """A part of an entry with a full stop after it, where it does not end a sentence by itself."""
    return part if part.endswith((".", "?", "!", "…", "。")) else f"{part}."


def shortened(text: str, *, characters: int) -> str:
    """``text``, cut after a word and with an ellipsis when it is longer than ``characters``."""
    if len(text) <= characters:
        return text
    words = text[:characters].rpartition(" ")[0]
    return f"{words or text[:characters]} …"


def fact_rows(report: Report) -> list[tuple[str, str]]:
    """The run facts with their labels."""
    facts = report.facts
    rows = [
        ("Research", report.id),
        ("Mode", report.mode.replace("_", "-")),
        ("Language", report.language or "not told"),
        ("Time", duration(facts.seconds)),
        ("Searches", str(facts.queries)),
        ("Passages considered", str(facts.passages_considered)),
        ("Calls to providers", str(facts.calls)),
        ("Tokens", f"{facts.tokens:,}"),
        ("Cost", "not known" if facts.cost is None else money(facts.cost)),
        ("Citations", verdict_line(report)),
    ]
    if report.author.models:
        rows.insert(1, ("Models", ", ".join(report.author.models)))
    if facts.disagreements:
        rows.append(("Sources disagree", f"in {len(facts.disagreements)} places"))
    if facts.builds_on:
        rows.insert(1, ("Builds on", builds_on_line(facts.builds_on)))
    if facts.partial:
        rows.append(("Partial", f"{len(facts.lost)} parts lost, see “{NOT_FOUND_TITLE}”"))
    return rows


def builds_on_line(earlier: BuildsOn) -> str:
    """What a report builds on: the title and id of the earlier one, and what it cites of it."""
    sources = "1 of its sources" if earlier.sources == 1 else f"{earlier.sources} of its sources"
    return f"“{earlier.title}” ({earlier.research_id}), {sources} cited here"


def duration(seconds: float) -> str:
    """A time as a person tells it: ``0.28 s``, ``2 min 58 s``, ``1 h 4 min``."""
    if seconds < _MINUTE_S:
        return f"{seconds:.2f} s"
    whole = int(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def figures(report: Report) -> list[tuple[str, str, str]]:
    """The few figures a reader looks for first: label, value, and what it is of."""
    facts = report.facts
    cited = {citation.source_id for claim in all_claims(report) for citation in claim.citations}
    return [
        ("Citations supported", str(facts.supported), _share_of_citations(report)),
        ("Sources cited", str(len(cited)), ""),
        ("Passages considered", str(facts.passages_considered), f"{facts.queries} searches"),
        ("Time", duration(facts.seconds), ""),
    ]


def _share_of_citations(report: Report) -> str:
    facts = report.facts
    parts = [f"of {facts.citations}"]
    if facts.unsupported:
        parts.append(f"{facts.unsupported} unsupported")
    if facts.unverified:
        parts.append(f"{facts.unverified} unverified")
    return ", ".join(parts)


def _bare(source_id: str) -> SourceReference:
    return SourceReference(
        id=source_id, title="", url="", path="", published="", provider="", sha256=""
    )
