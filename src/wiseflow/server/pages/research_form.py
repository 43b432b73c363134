"""The form of a new research: what was typed, and the configuration it stands for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wiseflow.app.service import NewResearch
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput
from wiseflow.research.asking import clean_topic

MOST_TOPICS = 1_000
MOST_TAGS = 50
WHOLE = ("number_of_queries", "max_search_depth")
TEXTS = ("research_mode", "search_api", "collection", "length", "language", "time_range")
SWITCHES = ("include_academic_papers", "include_documents", "visualization", "approve_plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchForm:
    """What somebody typed; everything as text, so that it can be shown again as it was."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def topics(self) -> list[str]:
        """The topics, one a line, each once, cleaned.

        Raises:
            InvalidInput: there is none, there are too many, or one cannot be used.
        """
        lines = [line for line in self["topics"].splitlines() if line.strip()]
        if not lines:
            raise InvalidInput("no topic is given", cure="Write one a line")
        if len(lines) > MOST_TOPICS:
            raise InvalidInput(
                f"{len(lines):,} topics are too many for one form",
                cure=f"Give at most {MOST_TOPICS:,} at a time",
            )
        return list(dict.fromkeys(map(clean_topic, lines)))

    @property
    def configuration(self) -> dict[str, object]:
        """The configuration as JSON values; what was left open is left out.

        Raises:
            InvalidInput: something that has to be a number is none.
        """
        found: dict[str, object] = {name: self[name] for name in TEXTS if self[name]}
        found |= {name: True for name in SWITCHES if self[name]}
        found |= {name: int(_number(name, self[name])) for name in WHOLE if self[name]}
        if self["model"]:
            found["writer_model"] = self["model"]
        names = [one.strip() for one in self["focus_entities"].split(",") if one.strip()]
        if names:
            found["focus_entities"] = names
        budget: dict[str, object] = {}
        if self["money"]:
            budget["money"] = _number("money", self["money"])
        if self["tokens"]:
            budget["tokens"] = int(_number("tokens", self["tokens"]))
        if self["seconds"]:
            budget["seconds"] = _number("seconds", self["seconds"])
        return {**found, "budget": budget} if budget else found

    def researches(self) -> list[NewResearch]:
        """What is asked for. Raises ``InvalidInput``."""
        tags = tuple(one.strip() for one in self["tags"].split(",") if one.strip())
        configuration = self.configuration
        return [
            NewResearch(
                topic=topic,
                configuration=configuration,
                priority=_priority(self["priority"]),
                tags=tags[:MOST_TAGS],
                follows=self["follows"],
            )
            for topic in self.topics
        ]


def _priority(name: str) -> TaskPriority:
    try:
        return TaskPriority(name or TaskPriority.NORMAL)
    except ValueError:
        raise InvalidInput(
            f"there is no priority {name[:40]!r}", cure=f"There is {', '.join(TaskPriority)}"
        ) from None


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{name} is {text[:40]!r}", cure="Give a number") from None
