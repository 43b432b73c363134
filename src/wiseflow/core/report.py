"""The report of a research: the records behind every export and the JSON contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What checking a citation against its source found."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNVERIFIED = "unverified"


class AuthorKind(StrEnum):
    """Who wrote a report."""

    EXTRACTIVE = "extractive"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A pointer from a claim to characters of a stored source: ``text[start:end] == quote``."""

    source_id: str
    passage_id: str
    start: int
    end: int
    quote: str
    verdict: Verdict = Verdict.UNVERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence of a report and what it rests on."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of a report."""

    title: str
    claims: tuple[Claim, ...] = ()
    subsections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReference:
    """An entry of the bibliography."""

    id: str
    title: str
    url: str
    path: str
    published: str
    provider: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAuthor:
    """Who wrote a report, and with which models."""

    kind: AuthorKind
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What a run did and spent.

    Args:
        calls: calls to models and search providers outside this machine.
        tokens: tokens of models, in and out.
        cost: money spent, in the currency of the price list; ``None`` when it is not known.
        seconds: from the first step to the stored report.
        queries: searches over the documents.
        passages_considered: distinct passages the searches returned.
        citations, supported, unsupported, unverified: citations by verdict.
    """

    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    queries: int = 0
    passages_considered: int = 0
    citations: int = 0
    supported: int = 0
    unsupported: int = 0
    unverified: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A cited report. Its JSON form is a contract."""

    id: str
    topic: str
    mode: str
    status: str
    language: str
    author: ReportAuthor
    title: str
    summary: tuple[Claim, ...]
    sections: tuple[Section, ...]
    sources: tuple[SourceReference, ...]
    not_found: tuple[str, ...] = ()
    facts: RunFacts = field(default_factory=RunFacts)
