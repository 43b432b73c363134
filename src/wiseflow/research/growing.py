"""How the graph of a research grows: from questions to what their passages make one ask. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, zip_longest

from wiseflow.core.authoring import Evidence, Findings, Gathered, Plan
from wiseflow.text import words

# Questions of one level; beyond, a level costs more than it finds.
MOST_A_LEVEL = 8
# Two questions that share more of their words than this ask the same.
SAME_QUESTION = 0.8
Stems = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A question in the graph.

    Args:
        number: within the graph, in the order in which they were asked.
        section: the place in the plan of the section it was asked for.
        title: what it is called: the section's title, or the question itself.
        queries: what is searched for.
        step: where its steps stand in the journal.
        parent: the number of the question whose passages led to it; ``None`` for the plan's.
    """

    number: int
    section: int
    title: str
    queries: tuple[str, ...]
    step: str
    parent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """A question with what was found for it, and what that shows; ``None`` where it is not known.

    ``found`` is ``None`` when the search is lost, ``findings`` also when nobody read what it found.
    """

    node: Node
    found: Gathered | None
    findings: Findings | None = None


def root(plan: Plan, place: int) -> Node:
    """What a plan asks for the section at ``place``."""
    section = plan.sections[place]
    return Node(
        number=place,
        section=place,
        title=section.title,
        queries=section.queries,
        step=f"sections/{place}",
    )


def grown(explored: Sequence[Explored], level: Sequence[Explored], language: str) -> list[Node]:
    """The questions of the next level: what this one's passages make one ask, and nobody asked.

    They are taken in turns of those who ask them, so that no branch starves the others.

    Args:
        explored: all questions so far, this level's among them.
        level: those of this level.
        language: ISO 639-1 code of the report, or "".
    """
    numbers = count(max((one.node.number for one in explored), default=-1) + 1)
    asked = [_stems(query, language) for one in explored for query in one.node.queries]
    nodes: list[Node] = []
    for parent, question in _in_turns(level):
        stems = _stems(question, language)
        if len(nodes) == MOST_A_LEVEL or any(_alike(stems, other) for other in asked):
            continue
        asked.append(stems)
        number = next(numbers)
        nodes.append(
            Node(
                number=number,
                section=parent.section,
                title=question,
                queries=(question,),
                step=f"nodes/{number}",
                parent=parent.number,
            )
        )
    return nodes


def has_news(found: Gathered, before: Iterable[Explored]) -> bool:
    """Whether something was found that the earlier questions had not found."""
    known = {
        item.hit.passage.passage_id for one in before if one.found for item in one.found.evidence
    }
    return any(item.hit.passage.passage_id not in known for item in found.evidence)


def helping(branch: Sequence[Explored]) -> tuple[Evidence, ...]:
    """The passages that whoever read them found to help, from the section's own question on."""
    chosen: dict[str, Evidence] = {}
    for one in branch:
        for item in _helping(one):
            chosen.setdefault(item.hit.passage.passage_id, item)
    return tuple(chosen.values())


def led_to(explored: Sequence[Explored], node: Node) -> list[Explored]:
    """The questions that led to a node, the plan's first."""
    by_number = {one.node.number: one for one in explored}
    path: list[Explored] = []
    parent = node.parent
    while parent is not None:
        path.append(by_number[parent])
        parent = by_number[parent].node.parent
    return path[::-1]


def joined(branch: Sequence[Explored]) -> Gathered | None:
    """All that was found for a section, each passage once; ``None`` when its own search is lost."""
    if not branch or branch[0].found is None:
        return None
    found = [one.found for one in branch if one.found]
    evidence = {
        item.hit.passage.passage_id: item for one in reversed(found) for item in one.evidence
    }
    return Gathered(
        evidence=tuple(evidence.values()),
        queries=tuple(query for one in found for query in one.queries),
        considered=tuple(dict.fromkeys(key for one in found for key in one.considered)),
        missed=tuple(dict.fromkeys(missed for one in found for missed in one.missed)),
    )


def of_section(explored: Iterable[Explored], section: int) -> list[Explored]:
    """The questions of a section, in the order in which they were asked."""
    return [one for one in explored if one.node.section == section]


def _helping(one: Explored) -> Sequence[Evidence]:
    if one.found is None or one.findings is None:
        return ()
    known: Mapping[str, Evidence] = {
        item.hit.passage.passage_id: item for item in one.found.evidence
    }
    return [known[key] for key in one.findings.relevant if key in known]


def _in_turns(level: Sequence[Explored]) -> Iterator[tuple[Node, str]]:
    asking = [
        [(one.node, question) for question in one.findings.questions]
        for one in level
        if one.findings and not one.findings.answered
    ]
    for row in zip_longest(*asking):
        yield from (pair for pair in row if pair is not None)


def _stems(text: str, language: str) -> Stems:
    return frozenset(words.content_stems(text, language)) or frozenset(text.casefold().split())


def _alike(one: Stems, other: Stems) -> bool:
    return len(one & other) >= SAME_QUESTION * max(len(one | other), 1)
