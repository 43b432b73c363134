"""A plan as a person reads and edits it: its JSON form, and reading that back with care. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from wiseflow.core.authoring import Plan, PlannedSection
from wiseflow.core.errors import InvalidInput
from wiseflow.research.asking import LANGUAGE_CODE, MOST_SECTIONS, TITLE_CHARACTERS, plain_line

QUERY_CHARACTERS = 400
_PLAN_KEYS = ("title", "language", "sections")
_SECTION_KEYS = ("title", "queries")


def plan_to_json(plan: Plan) -> dict[str, object]:
    """The plan as JSON values: what ``plan_from_json`` reads back."""
    return {
        "title": plan.title,
        "language": plan.language,
        "sections": [
            {"title": section.title, "queries": list(section.queries)} for section in plan.sections
        ],
    }


def plan_from_json(given: object, *, most_queries: int) -> Plan:
    """The plan that JSON values stand for.

    Args:
        given: an object with ``title``, ``language`` ("" or left out when it is not known) and
            ``sections``, a list of objects with ``title`` and ``queries``.
        most_queries: how many queries a section may have; more would not be asked.

    Raises:
        InvalidInput: something of it cannot be used; its place is named.
    """
    whole = _object(given, "the plan", _PLAN_KEYS)
    sections = _list(whole.get("sections"), "the plan's sections")
    if not 1 <= len(sections) <= MOST_SECTIONS:
        raise InvalidInput(
            f"the plan has {len(sections)} sections", cure=f"Give 1 to {MOST_SECTIONS}"
        )
    read = [
        _section(section, f"section {number}", most_queries)
        for number, section in enumerate(sections, start=1)
    ]
    _refuse_twins(read)
    return Plan(
        title=_line(whole.get("title"), "the plan's title", TITLE_CHARACTERS),
        language=_language(whole.get("language", "")),
        sections=tuple(read),
    )


def within(plan: Plan, most_queries: int) -> Plan:
    """The plan without queries that would not be asked, as each section asks only so many."""
    return Plan(
        title=plan.title,
        language=plan.language,
        sections=tuple(
            PlannedSection(title=section.title, queries=section.queries[:most_queries])
            for section in plan.sections
        ),
    )


def _section(given: object, place: str, most_queries: int) -> PlannedSection:
    section = _object(given, place, _SECTION_KEYS)
    queries = _list(section.get("queries"), f"{place}: its queries")
    if not 1 <= len(queries) <= most_queries:
        raise InvalidInput(
            f"{place} has {len(queries)} queries",
            cure=f"Give 1 to {most_queries}, as number_of_queries of the research says",
        )
    return PlannedSection(
        title=_line(section.get("title"), f"{place}: its title", TITLE_CHARACTERS),
        queries=tuple(
            _line(query, f"{place}, query {number}", QUERY_CHARACTERS)
            for number, query in enumerate(queries, start=1)
        ),
    )


def _refuse_twins(sections: Sequence[PlannedSection]) -> None:
    places: dict[str, int] = {}
    for number, section in enumerate(sections, start=1):
        first = places.setdefault(section.title.casefold(), number)
        if first != number:
            raise InvalidInput(
                f"section {number} has the title of section {first}: {section.title!r}",
                cure="Give each section a title of its own",
            )


def _object(given: object, place: str, known: Sequence[str]) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{place} is no object", cure=f"Give it {', '.join(known)}")
    found = cast("Mapping[object, object]", given)
    for key in found:
        if key not in known:
            raise InvalidInput(
                f"{place} has a {str(key)[:100]!r}, which is not known",
                cure=f"There is {', '.join(known)}",
            )
    return cast("Mapping[str, object]", found)


def _list(given: object, place: str) -> list[object]:
    if not isinstance(given, list):
        raise InvalidInput(f"{place} are no list", cure="Write each on a line of its own, with -")
    return cast("list[object]", given)


def _line(given: object, place: str, most: int) -> str:
    """Text on one line, without control characters."""
    if not isinstance(given, str):
        raise InvalidInput(f"{place} is no text", cure="Write it as text")
    line = plain_line(given)
    if not any(character.isalnum() for character in line):
        raise InvalidInput(f"{place} is empty", cure="Write it in words, or remove it")
    if len(line) > most:
        raise InvalidInput(f"{place} has {len(line):,} characters", cure=f"Give at most {most:,}")
    return line


def _language(given: object) -> str:
    if given is None or given == "":
        return ""
    if not isinstance(given, str) or not LANGUAGE_CODE.match(given):
        raise InvalidInput(
            f"the plan's language is {str(given)[:100]!r}",
            cure="Give two small letters (ISO 639-1), for instance 'en', or leave it out",
        )
    return given
