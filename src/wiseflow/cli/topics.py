"""Topics as a user gives them: on the command line, one a line, or as JSON Lines with settings."""

from __future__ import annotations

import codecs
import hashlib
import json
import sys
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
    """The topics given as arguments.

    Raises:
        InvalidInput: one is not UTF-8.
    """
    return [
        Topic(text=_utf8(text, f"topic {number}"), place=f"topic {number}")
        for number, text in enumerate(arguments, start=1)
    ]


def topics_from_file(path: Path) -> list[Topic]:
    """The topics of a file: JSON Lines when its first line begins with ``{``, else one a line.

    Empty lines are passed over, and in plain files those that begin with ``#``.

    Raises:
        InvalidInput: the file cannot be read or holds no topic, or a line is wrong (it is named).
    """
    given = [(number, line) for number, line in read_lines(path, "topics file") if line]
    if given and given[0][1].startswith("{"):
        return [_from_json(line, f"{path.name}, line {number}") for number, line in given]
    topics = [
        Topic(text=line, place=f"{path.name}, line {number}")
        for number, line in given
        if not line.startswith("#")
    ]
    if not topics:
        raise InvalidInput(f"the topics file {path} holds no topic", cure="Write one a line")
    return topics


def read_lines(path: Path, kind: str) -> list[tuple[int, str]]:
    """The lines of a file with their numbers, without the white space around them.

    Args:
        path: the file.
        kind: what it is, for messages: ``topics file``.

    Raises:
        InvalidInput: the file cannot be read, or is not UTF-8.
    """
    try:
        data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except FileNotFoundError:
        raise InvalidInput(f"there is no {kind} {path}", cure="Check the path") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise InvalidInput(
            f"the {kind} {path} cannot be read: {reason}", cure="Name a text file"
        ) from error
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            f"the {kind} {path}, line {line}: this is not UTF-8 text", cure="Save the file as UTF-8"
        ) from error
    return [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]


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


def _utf8(argument: str, place: str) -> str:
    """An argument as it was typed, whatever encoding the locale names."""
    typed = argument.encode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
    try:
        return typed.decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{place}: this is not UTF-8 text",
            cure="Set the terminal to UTF-8, or give the topic in a file with --topics",
        ) from None


def _from_json(line: str, place: str) -> Topic:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        # Besides wrong JSON: a number of thousands of digits, brackets thousands deep.
        raise InvalidInput(f"{place}: not JSON ({error})", cure='Write {"topic": "…"}') from error
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
        raise InvalidInput(
            f"{place} has to be an object", cure='Write "metadata": {"name": "value"}'
        )
    return cast("dict[str, object]", value)


def _strings(value: object, place: str) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise InvalidInput(
            f"{place} has to be a list of strings", cure='Write "tags": ["one", "other"]'
        )
    return tuple(str(item) for item in items)
