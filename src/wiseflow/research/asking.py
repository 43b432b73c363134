"""What a research is asked: the job's payload, read and checked, and written."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import cast

from pydantic import TypeAdapter, ValidationError

from wiseflow.core.configuration import (
    ACADEMIC_SOURCES,
    Budget,
    Configuration,
    ReportLength,
    ResearchMode,
    SearchAPI,
    Unsupported,
)
from wiseflow.core.errors import InvalidInput, UnknownField
from wiseflow.research.time_range import read_period

TOPIC_CHARACTERS = 2000
MOST_QUERIES = 10
MOST_DEPTH = 10
MOST_SECTIONS = 20
TITLE_CHARACTERS = 200
_CONFIGURATION: TypeAdapter[Configuration] = TypeAdapter(Configuration)
_ENUMS: dict[str, type[StrEnum]] = {
    "research_mode": ResearchMode,
    "search_api": SearchAPI,
    "length": ReportLength,
    "unsupported": Unsupported,
}
# Left in a topic that was copied from a terminal. Source: ECMA-48, control sequences (5.4).
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
LANGUAGE_CODE = re.compile(r"[a-z]{2}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A topic and how to research it.

    Args:
        topic: on one line.
        configuration: how.
        follows: the id of the research that it builds on, or "".
    """

    topic: str
    configuration: Configuration
    follows: str = ""


def to_payload(question: Question) -> dict[str, object]:
    """The payload of a research's job, as JSON values."""
    configuration = _CONFIGURATION.dump_python(question.configuration, mode="json")
    payload: dict[str, object] = {"topic": question.topic, "configuration": configuration}
    return {**payload, "follows": question.follows} if question.follows else payload


def from_payload(payload: Mapping[str, object]) -> Question:
    """The question that a job's payload holds.

    Raises:
        UnknownField: a key is unknown.
        InvalidInput: its value cannot be used; the key is named.
    """
    _refuse_unknown(payload, ("topic", "configuration", "follows"), place="")
    topic = payload.get("topic")
    if not isinstance(topic, str):
        raise InvalidInput("a research has no topic", cure="Give it as text under 'topic'")
    given = payload.get("configuration", {})
    if not isinstance(given, Mapping):
        raise InvalidInput("configuration is not an object", cure="Give names with their values")
    follows = payload.get("follows", "")
    if not isinstance(follows, str):
        raise InvalidInput("follows is not the id of a research", cure="Give it as text")
    return Question(
        topic=clean_topic(topic),
        configuration=read_configuration(cast("Mapping[str, object]", given)),
        follows=follows,
    )


def clean_topic(topic: str) -> str:
    """``topic`` on one line without control characters.

    Raises:
        InvalidInput: nothing is left, or it is longer than ``TOPIC_CHARACTERS``.
    """
    cleaned = plain_line(topic)
    if not any(character.isalnum() for character in cleaned):
        raise InvalidInput("the topic is empty", cure="Write a question or a subject in words")
    if len(cleaned) > TOPIC_CHARACTERS:
        raise InvalidInput(
            f"the topic has {len(cleaned):,} characters and may have {TOPIC_CHARACTERS:,}",
            cure="Ask for less in one research, and put the material into the documents",
        )
    return cleaned


def plain_line(text: str) -> str:
    """``text`` on one line, without control characters and what colours a terminal."""
    kept = (
        " " if character.isspace() or unicodedata.category(character) == "Cc" else character
        for character in _TERMINAL_COLOUR.sub(" ", text)
        if unicodedata.category(character) not in {"Cf", "Cs", "Co"}
    )
    return " ".join("".join(kept).split())


def read_configuration(given: Mapping[str, object]) -> Configuration:
    """The configuration that JSON values stand for; what is not given has its default.

    Raises:
        InvalidInput: a key is unknown, or its value is of the wrong kind or out of bounds.
    """
    _refuse_unknown(given, [item.name for item in fields(Configuration)], place="configuration.")
    budget = given.get("budget")
    if isinstance(budget, Mapping):
        names = [item.name for item in fields(Budget)]
        _refuse_unknown(cast("Mapping[str, object]", budget), names, place="configuration.budget.")
    try:
        configuration = _CONFIGURATION.validate_json(json.dumps(dict(given)), strict=True)
    except ValidationError as error:
        raise _wrong_value(error, given) from error
    except (TypeError, ValueError) as error:
        raise InvalidInput("configuration is not JSON", cure=str(error)) from error
    _check_bounds(configuration)
    return configuration


def _refuse_unknown(given: Mapping[str, object], known: Iterable[str], *, place: str) -> None:
    names = list(known)
    for key in given:
        if key not in names:
            raise UnknownField(f"{place}{key} is not known", cure=_nearest(key, names))


def _nearest(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"There is {', '.join(words)}"


def _wrong_value(error: ValidationError, given: Mapping[str, object]) -> InvalidInput:
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0]) if first["loc"] else "configuration"
    value = given.get(key)
    if key in _ENUMS and isinstance(value, str):
        cure = _nearest(value, [item.value for item in _ENUMS[key]])
        return InvalidInput(f"configuration.{key} cannot be {value[:100]!r}", cure=cure)
    place = ".".join(str(part) for part in first["loc"])
    return InvalidInput(f"configuration.{place} cannot be used", cure=str(first["msg"]))


def _check_bounds(configuration: Configuration) -> None:
    _within("number_of_queries", configuration.number_of_queries, MOST_QUERIES)
    _within("max_search_depth", configuration.max_search_depth, MOST_DEPTH)
    _check_language(configuration.language)
    _check_titles(configuration.report_structure)
    _check_academic(configuration.academic_sources)
    read_period(configuration.time_range, date.max)  # which day it is does not matter here
    if not configuration.collection.strip():
        raise InvalidInput("configuration.collection is empty", cure="Name a collection")
    budget = configuration.budget
    for name, bound in (
        ("money", budget.money),
        ("tokens", budget.tokens),
        ("seconds", budget.seconds),
    ):
        if bound is not None and not bound > 0:
            raise InvalidInput(
                f"configuration.budget.{name} is {bound}", cure="Give more than 0, or leave it out"
            )


def _within(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InvalidInput(f"configuration.{name} is {value}", cure=f"Give 1 to {most}")


def _check_language(language: str | None) -> None:
    if language is not None and not LANGUAGE_CODE.match(language):
        raise InvalidInput(
            f"configuration.language is {language[:100]!r}",
            cure="Give two small letters (ISO 639-1), for instance 'en'",
        )


def _check_titles(titles: tuple[str, ...]) -> None:
    if len(titles) > MOST_SECTIONS:
        raise InvalidInput(
            f"configuration.report_structure has {len(titles)} titles",
            cure=f"Give at most {MOST_SECTIONS}",
        )
    for title in titles:
        if not title.strip() or len(title) > TITLE_CHARACTERS:
            raise InvalidInput(
                f"configuration.report_structure has a title of {len(title)} characters",
                cure=f"Give 1 to {TITLE_CHARACTERS} characters",
            )


def _check_academic(names: tuple[str, ...]) -> None:
    known = [source.value for source in ACADEMIC_SOURCES]
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"configuration.academic_sources names {name[:100]!r}, which is no index of papers",
                cure=_nearest(name, known),
            )
