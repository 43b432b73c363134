"""Topics as a user gives them: on the command line, one a line, or as JSON Lines with settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from wiseflow.core.errors import InvalidInput

# What a line of JSON Lines may say beside the settings of its research.
OWN_FIELDS = ("topic", "id", "priority", "tags", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic and what was said about it.

    Args:
        text: the topic.
        place: where it was given, for messages: ``topics.jsonl, line 3``.
        settings: of its research, above the command's own.
        priority: its priority, or "" for the command's.
        tags: its labels.
        metadata: the user's own data; an ``id`` on the line is kept as ``topic_id``.
    """

    text: str
    place: str
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    priority: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])


def topics_from_arguments(arguments: Sequence[str]) -> list[Topic]:
    """The topics given as arguments."""
    return [
        Topic(text=text, place=f"topic {number}") for number, text in enumerate(arguments, start=1)
    ]


def topics_from_file(path: Path) -> list[Topic]:
    """The topics of a file: JSON Lines when its first line begins with ``{``, else one a line.

    Empty lines are passed over, and in plain files those that begin with ``#``.

    Raises:
        InvalidInput: the file cannot be read, or a line is wrong (it is named).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InvalidInput(f"there is no topics file {path}", cure="Check --topics") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"the topics file {path} cannot be read: {error}", cure="It has to be a UTF-8 text file"
        ) from error
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]
    given = [(number, line) for number, line in lines if line]
    if given and given[0][1].startswith("{"):
        return [_from_json(line, f"{path.name}, line {number}") for number, line in given]
    return [
        Topic(text=line, place=f"{path.name}, line {number}")
        for number, line in given
        if not line.startswith("#")
    ]


def batch_name(topics: Sequence[Topic], options: Mapping[str, object]) -> str:
    """The name under which a command submits its jobs: equal commands have equal names."""
    content = json.dumps(
        [
            [topic.text, topic.settings, topic.priority, topic.tags, topic.metadata]
            for topic in topics
        ]
        + [dict(options)],
        sort_keys=True,
        default=str,
    )
    return "command-" + hashlib.blake2b(content.encode(), digest_size=10).hexdigest()


def _from_json(line: str, place: str) -> Topic:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{place}: not JSON ({error.msg})") from error
    fields = cast("dict[str, object]", record) if isinstance(record, dict) else {}
    if not isinstance(fields.get("topic"), str):
        raise InvalidInput(
            f'{place}: a line is an object with a "topic"', cure='Write {"topic": "…"}'
        )
    metadata = _mapping(fields.get("metadata", {}), f"{place}: metadata")
    if "id" in fields:
        metadata = {**metadata, "topic_id": str(fields["id"])}
    return Topic(
        text=str(fields["topic"]),
        place=place,
        settings={name: value for name, value in fields.items() if name not in OWN_FIELDS},
        priority=str(fields.get("priority", "")),
        tags=_strings(fields.get("tags", []), f"{place}: tags"),
        metadata=metadata,
    )


def _mapping(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidInput(f"{place} has to be an object")
    return cast("dict[str, object]", value)


def _strings(value: object, place: str) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise InvalidInput(f"{place} has to be a list of strings")
    return tuple(str(item) for item in items)
