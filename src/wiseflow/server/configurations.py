"""The configuration of a research as a body: every field, with its bounds."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field

from wiseflow.core.configuration import ReportLength, ResearchMode, SearchAPI, Unsupported
from wiseflow.core.jobs import Job
from wiseflow.core.library import DEFAULT_COLLECTION
from wiseflow.research.asking import (
    MOST_DEPTH,
    MOST_QUERIES,
    MOST_SECTIONS,
    TITLE_CHARACTERS,
    from_payload,
)

# Who watches researches asks for the same ones again and again.
KEPT = 512
# Counts in bodies and paths fit a column of 64 bits.
MOST_TOKENS = 10**15
MOST_MONEY = 10.0**9
MOST_SECONDS = 31_536_000.0

ModelName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="`provider:model`, or `extractive` for the embedded author.",
    ),
]
Academic = Literal["arxiv", "pubmed", "openalex", "crossref"]
Title = Annotated[str, Field(min_length=1, max_length=TITLE_CHARACTERS)]
Entity = Annotated[str, Field(min_length=1, max_length=TITLE_CHARACTERS)]


class BudgetBody(BaseModel):
    """What a research may spend; what is left out is not bounded."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    money: Annotated[float, Field(gt=0, le=MOST_MONEY, description="US dollars.")] | None = None
    tokens: Annotated[int, Field(gt=0, le=MOST_TOKENS)] | None = None
    seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)] | None = None


class ConfigurationBody(BaseModel):
    """How a research is done; what is left out is as the settings of the service say."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    research_mode: ResearchMode = ResearchMode.LINEAR
    search_api: Annotated[
        SearchAPI | None, Field(description="Where to look; the service's own choice when null.")
    ] = None
    collection: Annotated[
        str, Field(min_length=1, max_length=200, description="The documents to look in.")
    ] = DEFAULT_COLLECTION
    include_documents: Annotated[
        bool, Field(description="Whether documents are searched beside the web.")
    ] = False
    number_of_queries: Annotated[int, Field(ge=1, le=MOST_QUERIES)] = 3
    max_search_depth: Annotated[int, Field(ge=1, le=MOST_DEPTH)] = 2
    planner_model: ModelName | None = None
    writer_model: ModelName | None = None
    researcher_model: ModelName | None = None
    report_structure: Annotated[
        list[Title], Field(max_length=MOST_SECTIONS, description="Section titles to use.")
    ] = []
    include_academic_papers: bool = False
    academic_sources: Annotated[list[Academic], Field(max_length=20)] = []
    time_range: Annotated[
        str | None,
        Field(
            max_length=100,
            description="Days as `2020-01-01..2024-12-31`, `2020..`, or the past as `5y`, `30d`.",
        ),
    ] = None
    focus_entities: Annotated[list[Entity], Field(max_length=100)] = []
    language: Annotated[
        str | None, Field(pattern="^[a-z]{2}$", description="ISO 639-1, of the report.")
    ] = None
    length: ReportLength = ReportLength.NORMAL
    unsupported: Unsupported = Unsupported.MARK
    visualization: bool = False
    approve_plan: Annotated[
        bool, Field(description="Whether the research waits with its plan until it is approved.")
    ] = False
    budget: BudgetBody = BudgetBody()

    @classmethod
    def of(cls, job: Job) -> Self:
        """The configuration of a research; the same object for the same one, so only to be read."""
        return cls._of(json.dumps(job.payload))

    @classmethod
    @lru_cache(maxsize=KEPT)
    def _of(cls, payload: str) -> Self:
        configuration = from_payload(json.loads(payload)).configuration
        values = {name: _plain(getattr(configuration, name)) for name in cls.model_fields}
        budget = configuration.budget
        values["budget"] = BudgetBody.model_construct(
            money=budget.money, tokens=budget.tokens, seconds=budget.seconds
        )
        # What is stored was checked when it was submitted, maybe by other bounds than today's.
        return cls.model_construct(**values)

    def given(self) -> dict[str, object]:
        """What was asked for, as JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)


def _plain(value: Any) -> Any:
    return list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value
