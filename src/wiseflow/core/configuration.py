"""What a user chooses for one research."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

# The name by which the embedded author is asked for, where a model could be named.
EXTRACTIVE = "extractive"


class ResearchMode(StrEnum):
    """How deep a research digs."""

    LINEAR = "linear"
    GRAPH = "graph"
    MULTI_AGENT = "multi_agent"


class SearchAPI(StrEnum):
    """Where a research looks."""

    DOCUMENTS = "documents"
    TAVILY = "tavily"
    EXA = "exa"
    PERPLEXITY = "perplexity"
    SEARXNG = "searxng"
    ARXIV = "arxiv"
    PUBMED = "pubmed"
    OPENALEX = "openalex"
    CROSSREF = "crossref"
    WIKIPEDIA = "wikipedia"
    DUCKDUCKGO = "duckduckgo"


# The indexes of papers; all of them are asked where none is named.
ACADEMIC_SOURCES = (SearchAPI.ARXIV, SearchAPI.PUBMED, SearchAPI.OPENALEX, SearchAPI.CROSSREF)


class TaskPriority(StrEnum):
    """How urgent a piece of work is; the first goes first."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    BACKGROUND = "background"

    @property
    def rank(self) -> int:
        """0 for the most urgent, 4 for the least."""
        return list(TaskPriority).index(self)


class ReportLength(StrEnum):
    """How long a report may get."""

    BRIEF = "brief"
    NORMAL = "normal"
    DETAILED = "detailed"


class Unsupported(StrEnum):
    """What becomes of a sentence that its passages do not support, once mending failed."""

    MARK = "mark"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one research may spend; ``None`` is no bound."""

    money: float | None = None
    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings of one research.

    Args:
        research_mode: how deep to dig.
        search_api: where to look; ``None`` leaves it to the settings, see ``Application.settle``.
        collection: which documents to look in, by the name of their collection.
        include_documents: whether they are looked in beside a search provider.
        number_of_queries: queries a section may ask (1–10).
        max_search_depth: how many times a finding may lead to a new query (1–10).
        planner_model, writer_model, researcher_model: ``provider:model``, or ``extractive`` for
            the embedded author. Where only one is named, it has all roles; where none is, the
            settings say which.
        report_structure: section titles to use, or empty to plan them from the documents.
        include_academic_papers: whether indexes of papers are asked beside what ``search_api``
            names.
        academic_sources: which of ``ACADEMIC_SOURCES``; who names one means that it is asked.
        time_range: when what is found was published, as ``research.time_range`` reads it.
        focus_entities: names that evidence should be about.
        language: ISO 639-1 code of the report, or ``None`` for the documents' own.
        length: how long the report may get.
        unsupported: whether sentences that their passages do not support are marked or left out.
        visualization: whether exports may hold drawings.
        approve_plan: whether the research waits, with its plan made, until somebody approves that.
        budget: what the research may spend.
    """

    research_mode: ResearchMode = ResearchMode.LINEAR
    search_api: SearchAPI | None = None
    collection: str = "default"
    include_documents: bool = False
    number_of_queries: int = 3
    max_search_depth: int = 2
    planner_model: str | None = None
    writer_model: str | None = None
    researcher_model: str | None = None
    report_structure: tuple[str, ...] = ()
    include_academic_papers: bool = False
    academic_sources: tuple[str, ...] = ()
    time_range: str | None = None
    focus_entities: tuple[str, ...] = ()
    language: str | None = None
    length: ReportLength = ReportLength.NORMAL
    unsupported: Unsupported = Unsupported.MARK
    visualization: bool = False
    approve_plan: bool = False
    budget: Budget = field(default_factory=Budget)

    @property
    def scholarly(self) -> tuple[str, ...]:
        """The indexes of papers that are asked; none where none were asked for."""
        if self.academic_sources:
            return tuple(dict.fromkeys(self.academic_sources))
        return tuple(map(str, ACADEMIC_SOURCES)) if self.include_academic_papers else ()

    @property
    def providers(self) -> tuple[str, ...]:
        """The search providers that are asked, the chosen one first."""
        local = self.search_api in {None, SearchAPI.DOCUMENTS}
        chosen = () if local else (str(self.search_api),)
        return tuple(dict.fromkeys((*chosen, *self.scholarly)))

    @property
    def on_web(self) -> bool:
        """Whether a search provider is asked."""
        return bool(self.providers)

    @property
    def in_documents(self) -> bool:
        """Whether the user's own documents are searched."""
        return self.include_documents or self.search_api in {None, SearchAPI.DOCUMENTS}

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are named for a role, each once; none for the embedded author."""
        named = (self.planner_model, self.writer_model, self.researcher_model)
        return tuple(dict.fromkeys(one for one in named if one and one != EXTRACTIVE))
