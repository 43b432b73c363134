"""What requests and answers about researches hold, as the OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from wiseflow.app import Forecast
from wiseflow.app.service import NewResearch
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.ids import LENGTH
from wiseflow.core.jobs import Job, JobStatus, StopReason
from wiseflow.core.report import Report
from wiseflow.research.asking import TOPIC_CHARACTERS
from wiseflow.research.rendering.json import report_to_json
from wiseflow.server.configurations import ConfigurationBody

MOST_TAGS = 50
MOST_MEMBERS = 100
AN_ID = "01kq3v8w1d5x0m7c9z2n4b6t8r"
EXAMPLE: JsonDict = {
    "topic": "How do tides form?",
    "configuration": {"research_mode": "linear", "collection": "papers"},
    "tags": ["oceans"],
}

Topic = Annotated[
    str,
    Field(
        min_length=1,
        max_length=TOPIC_CHARACTERS,
        description="A question or a subject in words.",
        examples=["How do tides form?"],
    ),
]
Tag = Annotated[str, Field(min_length=1, max_length=100)]
Tags = Annotated[
    list[Tag],
    Field(max_length=MOST_TAGS, description="Labels to filter by.", examples=[["oceans"]]),
]
Metadata = Annotated[
    dict[str, object],
    Field(max_length=MOST_MEMBERS, description="Data of your own, kept as it is."),
]
ResearchId = Annotated[
    str,
    Field(
        pattern=f"^[0-9a-z]{{1,{LENGTH}}}$", description="The id of a research.", examples=[AN_ID]
    ),
]


class FollowUpBody(BaseModel):
    """A research that builds on an earlier one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    topic: Topic
    configuration: ConfigurationBody = ConfigurationBody()
    priority: TaskPriority = TaskPriority.NORMAL
    tags: Tags = []
    metadata: Metadata = {}

    def new_research(self, follows: str = "") -> NewResearch:
        """What is asked for."""
        return NewResearch(
            topic=self.topic,
            configuration=self.configuration.given(),
            priority=self.priority,
            tags=tuple(self.tags),
            metadata=self.metadata,
            follows=follows,
        )


class ResearchBody(FollowUpBody):
    """A research to be done."""

    follows: Annotated[
        ResearchId | None, Field(description="The id of a research to build on.")
    ] = None

    def new_research(self, follows: str = "") -> NewResearch:
        """What is asked for."""
        return super().new_research(follows or self.follows or "")


class ParallelBody(BaseModel):
    """Many researches, submitted all or none: topics that share the rest, or whole bodies."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"topics": ["How do tides form?", "What is a neap tide?"]}]
        },
    )

    topics: Annotated[list[Topic], Field(description="Topics that share the rest.")] = []
    researches: Annotated[list[ResearchBody], Field(description="Researches of their own.")] = []
    configuration: ConfigurationBody = ConfigurationBody()
    priority: TaskPriority = TaskPriority.NORMAL
    tags: Tags = []
    metadata: Metadata = {}

    def new_researches(self) -> list[NewResearch]:
        """What is asked for, the topics first."""
        shared = self.model_dump(include={"priority", "tags", "metadata"})
        alike = [
            ResearchBody(topic=topic, configuration=self.configuration, **shared)
            for topic in self.topics
        ]
        return [one.new_research() for one in (*alike, *self.researches)]


class QuestionBody(BaseModel):
    """A question to a report."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "How high do they rise?"}]}
    )

    question: Topic
    model: Annotated[
        str | None,
        Field(
            max_length=200,
            description="Who answers; as the research was written when it is left out.",
        ),
    ] = None


class _JobAnswer(BaseModel):
    id: ResearchId
    topic: Annotated[str, Field(examples=["How do tides form?"])]
    status: JobStatus
    progress: Annotated[float, Field(ge=0, le=1)]
    partial: Annotated[bool, Field(description="Whether something is lost that should be there.")]
    stop_reason: StopReason | None
    error: Annotated[str, Field(description="Why it failed, or empty.")]
    cost: Annotated[
        float | None, Field(description="US dollars; null where a price is not known, or yet.")
    ]
    priority: TaskPriority
    tags: list[str]
    metadata: dict[str, object]
    created_at: Annotated[float, Field(description="Seconds since the epoch, as all times.")]
    started_at: float | None
    completed_at: float | None
    attempt: Annotated[int, Field(description="How often it was started.")]
    cancel_requested: bool

    @staticmethod
    def values(job: Job) -> dict[str, Any]:
        """What is told of any job."""
        return {
            "id": job.job_id,
            "topic": job.title,
            "status": job.status,
            "progress": job.progress,
            "partial": job.partial,
            "stop_reason": job.stop_reason,
            "error": job.error,
            "cost": job.cost,
            "priority": job.priority,
            "tags": list(job.tags),
            "metadata": dict(job.metadata),
            "created_at": job.created_at,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
            "attempt": job.attempt,
            "cancel_requested": job.cancel_requested,
        }


class ResearchAnswer(_JobAnswer):
    """A research as it is now."""

    follows: ResearchId | None
    configuration: ConfigurationBody

    @classmethod
    def of(cls, job: Job) -> Self:
        """The answer that tells of a job, whose values need no checking."""
        follows = job.payload.get("follows") or None
        configuration = ConfigurationBody.of(job)
        return cls.model_construct(**cls.values(job), follows=follows, configuration=configuration)


class ResearchPage(BaseModel):
    """Some researches, the newest first."""

    researches: list[ResearchAnswer]
    next_cursor: Annotated[
        str | None, Field(description="Give it as `cursor` for the next page; null on the last.")
    ]


class SubmittedAnswer(BaseModel):
    """Researches that were submitted together, in the order they were given."""

    researches: list[ResearchAnswer]


class QuestionAnswer(_JobAnswer):
    """A question to a report; `answer` is a report of one section, once there is one."""

    answer: dict[str, object] | None

    @classmethod
    def of(cls, job: Job, answer: Report | None = None) -> Self:
        """The answer that tells of a question's job."""
        told = None if answer is None else report_to_json(answer)
        # The tag by which it is found is ours, and no asker's.
        values: dict[str, Any] = {**cls.values(job), "tags": [], "answer": told}
        return cls.model_construct(**values)


class QuestionsAnswer(BaseModel):
    """The questions to a report, the newest first, without their answers."""

    questions: list[QuestionAnswer]


class SectionBody(BaseModel):
    """A section of a plan."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(examples=["What pulls the sea"])]
    queries: Annotated[list[str], Field(examples=[["gravity of the Moon", "gravity of the Sun"]])]


class PlanBody(BaseModel):
    """The plan of a research."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(examples=["Tides"])]
    language: Annotated[str, Field(description="ISO 639-1, or empty.", examples=["en"])] = ""
    sections: list[SectionBody]


class EstimateAnswer(BaseModel):
    """What a research would need outside of the machine of the service."""

    calls: Annotated[int, Field(description="To models and search providers, about.")]
    tokens: Annotated[int, Field(description="Of models, in and out, about.")]
    cost: Annotated[
        float | None, Field(description="At most, in US dollars; null where a price is not known.")
    ]
    unpriced: Annotated[list[str], Field(description="Who has no known price.")]

    @classmethod
    def of(cls, forecast: Forecast) -> Self:
        """The answer that tells a forecast."""
        return cls(
            calls=forecast.calls,
            tokens=forecast.tokens,
            cost=forecast.cost,
            unpriced=list(forecast.unpriced),
        )


class SourceAnswer(BaseModel):
    """An entry of a report's bibliography."""

    id: str
    title: str
    url: str
    path: str
    published: str
    provider: str
    sha256: str


class SourcesAnswer(BaseModel):
    """What a report rests on."""

    sources: list[SourceAnswer]


class SourceTextAnswer(BaseModel):
    """A stored source: citations count the characters (code points) of its text."""

    id: str
    title: str
    url: str
    path: str
    published: str
    language: str
    sha256: str
    text: str
