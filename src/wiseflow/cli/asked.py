"""What one ``wiseflow research`` asks for: its options, and the researches they stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click

from wiseflow.app import Application, Settled
from wiseflow.cli.topics import Topic
from wiseflow.core.configuration import Configuration, TaskPriority
from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import JobRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchOptions:
    """The options of one command."""

    docs: tuple[Path, ...]
    follow_up: str
    collection: str | None
    configuration: Mapping[str, object]
    priority: str
    tags: tuple[str, ...]
    out: Path | None
    as_json: bool

    def asked(self) -> dict[str, object]:
        """What makes two commands the same command."""
        return {
            "docs": [str(path.resolve()) for path in self.docs],
            "collection": self.collection,
            **({"follow_up": self.follow_up} if self.follow_up else {}),
            "configuration": dict(self.configuration),
            "priority": self.priority,
            "tags": self.tags,
            "out": str(self.out.resolve()) if self.out else "",
        }

    def given(self, app: Application) -> dict[str, object]:
        """What these options say of the configuration of each research."""
        given = dict(self.configuration)
        if self.docs:
            given["collection"] = app.collection_for(self.docs)
        elif self.collection:
            given["collection"] = self.collection
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The researches of one command.

    Args:
        requests: their jobs, in the order of the topics.
        configurations: the distinct ones.
        notes: what was chosen otherwise than the settings say, as sentences.
        collections: those that are searched, each with the place of a topic that names it.
    """

    requests: Sequence[JobRequest]
    configurations: Sequence[Configuration]
    notes: Sequence[str]
    collections: Mapping[str, str]


def read_options(chosen: Mapping[str, object]) -> ResearchOptions:
    """The command's options from click's values.

    Raises:
        click.UsageError: two options exclude each other.
    """
    docs, collection = cast("tuple[Path, ...]", chosen["docs"]), chosen["collection"]
    if docs and collection:
        raise click.UsageError("--docs and --collection exclude each other")
    beside_web = bool(chosen["search"]) and bool(docs or collection)
    configuration = {
        "research_mode": chosen["mode"],
        "max_search_depth": chosen["depth"],
        "length": chosen["length"],
        "visualization": chosen["drawings"] or None,
        "unsupported": chosen["unsupported"],
        "language": chosen["language"],
        "number_of_queries": chosen["number_of_queries"],
        "writer_model": chosen["model"],
        "search_api": chosen["search"],
        "include_documents": beside_web or None,
        "include_academic_papers": chosen["academic"] or None,
        "academic_sources": chosen["academic_sources"] or None,
        "time_range": chosen["time_range"],
        "budget": _budget(chosen),
        "approve_plan": chosen["plan_first"] or None,
    }
    out = chosen["out"]
    return ResearchOptions(
        docs=docs,
        follow_up=str(chosen["follow_up"] or ""),
        collection=str(collection) if collection else None,
        configuration={name: value for name, value in configuration.items() if value is not None},
        priority=str(chosen["priority"]),
        tags=cast("tuple[str, ...]", chosen["tags"]),
        out=out if isinstance(out, Path) else None,
        as_json=bool(chosen["as_json"]),
    )


def _budget(chosen: Mapping[str, object]) -> dict[str, object] | None:
    named = {"money": "max_cost", "tokens": "max_tokens", "seconds": "time_limit"}
    budget = {part: chosen[option] for part, option in named.items() if chosen[option]}
    return budget or None


async def ask_for(app: Application, topics: Sequence[Topic], options: ResearchOptions) -> Asked:
    """The researches of topics, with what neither they nor the options name filled in.

    Raises:
        InvalidInput: a topic or one of its settings cannot be used; its place is named.
        ConfigurationError: a provider that is named is not set up.
    """
    follows = (await app.follow_ups.finished(options.follow_up)).job_id if options.follow_up else ""
    settled: dict[str, Settled] = {}
    requests: list[JobRequest] = []
    collections: dict[str, str] = {}
    for topic in topics:
        given = {**options.given(app), **topic.settings}
        key = json.dumps(given, sort_keys=True, default=str)
        try:
            if key not in settled:
                settled[key] = await app.settle(given, documents="collection" in given)
            request = _request(app, topic, options, settled[key].given, follows)
            requests.append(request)
        except InvalidInput as error:
            raise InvalidInput(f"{topic.place}: {error.message}", cure=error.cure) from error
        if settled[key].configuration.in_documents:
            collections.setdefault(settled[key].configuration.collection, topic.place)
    return Asked(
        requests=requests,
        configurations=[one.configuration for one in settled.values()],
        notes=tuple(dict.fromkeys(note for one in settled.values() for note in one.notes)),
        collections=collections,
    )


def _request(
    app: Application,
    topic: Topic,
    options: ResearchOptions,
    configuration: Mapping[str, object],
    follows: str,
) -> JobRequest:
    priority = topic.priority or options.priority
    if priority not in list(TaskPriority):
        raise InvalidInput(
            f"priority cannot be {priority!r}", cure=f"There is {', '.join(TaskPriority)}"
        )
    return app.research_request(
        topic.text,
        configuration,
        follows=follows,
        priority=TaskPriority(priority),
        tags=(*options.tags, *topic.tags),
        metadata=topic.metadata,
    )
