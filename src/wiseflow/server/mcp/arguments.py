"""What the tools take. Descriptions are read by assistants, so they say what to do."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from wiseflow.core.configuration import ResearchMode, TaskPriority
from wiseflow.core.jobs import JobStatus
from wiseflow.core.library import DEFAULT_COLLECTION
from wiseflow.server.bodies import PlanBody, ResearchId, Tags, Topic
from wiseflow.server.configurations import ConfigurationBody
from wiseflow.server.renderings import ReportFormat

# Hosts give a call about a minute; REQUEST_TIMEOUT_S, a minute too, holds for those over HTTP.
LONGEST_WAIT_S = 30
# What is told at once fills the context of an assistant: four characters are about one token.
PART_CHARACTERS, MOST_CHARACTERS = 20_000, 100_000
LISTED, MOST_LISTED = 20, 100
FOUND, MOST_FOUND = 8, 50
LONGEST_QUERY = 4_000
LONGEST_NAME = 200


class Arguments(BaseModel):
    """What a tool takes."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Nothing(Arguments):
    """No arguments."""


class OfResearch(Arguments):
    """Which research."""

    research_id: ResearchId


class SubmitResearch(Arguments):
    """Researches to be done."""

    topics: Annotated[
        list[Topic],
        Field(min_length=1, description="One research for each: questions or subjects in words."),
    ]
    configuration: Annotated[
        ConfigurationBody,
        Field(
            default_factory=ConfigurationBody,
            description="Of all of them. Leave out what the user did not ask for: the settings of "
            "the program hold then. Name a `collection` to look in documents.",
        ),
    ]
    priority: TaskPriority = TaskPriority.NORMAL
    tags: Tags = []
    follows: Annotated[
        ResearchId | None,
        Field(description="A completed research to build on: its sources are searched first."),
    ] = None
    request_key: Annotated[
        str,
        Field(
            max_length=200,
            pattern="^[!-~]*$",
            description="Any text of your own. The same submission again under the same key "
            "submits nothing more and answers the same.",
        ),
    ] = ""


class GetStatus(OfResearch):
    """Which research, and how long to wait for it."""

    wait_s: Annotated[
        float,
        Field(
            ge=0,
            le=LONGEST_WAIT_S,
            description="Answer only once it has ended or waits for an approval, or after so many "
            "seconds. Use this in place of asking again and again.",
        ),
    ] = 0


class GetReport(OfResearch):
    """Which report, in which form, and which part of it."""

    format: Annotated[
        ReportFormat, Field(description="`json` holds every claim with its citations and verdicts.")
    ] = ReportFormat.MARKDOWN
    offset: Annotated[int, Field(ge=0, description="The character that the part begins at.")] = 0
    limit: Annotated[
        int, Field(ge=1, le=MOST_CHARACTERS, description="How many characters at most.")
    ] = PART_CHARACTERS


class ListResearches(Arguments):
    """Which researches."""

    status: Annotated[list[JobStatus], Field(max_length=20, description="Any of these.")] = []
    tag: Annotated[str, Field(max_length=100)] = ""
    mode: ResearchMode | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = LISTED
    cursor: Annotated[
        str, Field(max_length=100, description="`next_cursor` of the page before.")
    ] = ""


class SearchLibrary(Arguments):
    """What to search for, and where."""

    query: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_QUERY,
            description="Words, a question or a longer text.",
        ),
    ]
    collection: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_NAME,
            description="Whose documents; `list_collections` tells which there are.",
        ),
    ] = DEFAULT_COLLECTION
    k: Annotated[int, Field(ge=1, le=MOST_FOUND, description="How many passages at most.")] = FOUND


class ApprovePlan(OfResearch):
    """Which plan, or another in its place."""

    plan: Annotated[
        PlanBody | None, Field(description="In place of the one that `get_plan` shows.")
    ] = None
