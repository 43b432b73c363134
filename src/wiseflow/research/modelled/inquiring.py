"""What a model answers to reading and criticising: records, of JSON or of plain lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wiseflow.core.authoring import Critique, Findings, Remark
from wiseflow.research.modelled.answers import LONGEST_CLAIM, LONGEST_QUERY, as_title
from wiseflow.research.modelled.forms import CritiqueForm, Faulty, ReadingForm, RemarkForm
from wiseflow.research.modelled.lengths import MOST_ENTITIES
from wiseflow.research.modelled.prompting import one_line

# A word for it that there is nothing, in what stands alone on a line.
_NOTHING = re.compile(r"\W*(?:nothing|none|no questions?|n/?a)\W*", re.IGNORECASE)
_SECTION = re.compile(r"\W*(?:s|section\s*)?(\d{1,2})\b\W*(.*)", re.IGNORECASE | re.DOTALL)
MOST_LINES = 12


def findings_of(form: ReadingForm) -> Findings:
    """What passages show; ``relevant`` holds the ids as the model gave them."""
    queries = (one_line(query, longest=LONGEST_QUERY) for query in form.questions)
    return Findings(
        answered=form.answered,
        relevant=tuple(dict.fromkeys(key.strip().lower() for key in form.passages)),
        entities=tuple(dict.fromkeys(map(as_title, form.entities)))[:MOST_ENTITIES],
        questions=tuple(dict.fromkeys(query for query in queries if _says(query))),
    )


def findings_of_lines(text: str) -> Findings:
    """What passages show, from one query on each line. Raises ``Faulty`` when there is no line."""
    lines = [line for line in text.splitlines() if line.strip()][:MOST_LINES]
    if not lines:
        raise Faulty("no line is a query")
    queries = (as_title(line) for line in lines if _says(line))
    questions = tuple(dict.fromkeys(query for query in queries if query))
    return Findings(answered=not questions, questions=questions)


def critique_of(form: CritiqueForm) -> Critique:
    """The remarks on sections. Raises ``Faulty`` when one names no section."""
    return Critique(remarks=tuple(map(_remark, form.needs_more)))


def critique_of_lines(text: str) -> Critique:
    """The remarks on sections, from lines like ``s2: What is wanting``."""
    lines = [line for line in text.splitlines() if line.strip()][:MOST_LINES]
    if not lines:
        raise Faulty("no line names a section")
    found = (_SECTION.fullmatch(line) for line in lines)
    return Critique(
        remarks=tuple(
            Remark(section=int(one[1]) - 1, problem=one_line(one[2], longest=LONGEST_CLAIM))
            for one in found
            if one
        )
    )


def with_passage_ids(findings: Findings, known: Mapping[str, str]) -> Findings:
    """The findings with the ids of passages in place of those that the model was shown.

    Args:
        findings: as the model gave them.
        known: the ids of the passages by those that it was shown.
    """
    relevant = tuple(known[key] for key in findings.relevant if key in known)
    return Findings(
        answered=findings.answered,
        relevant=relevant,
        entities=findings.entities,
        questions=findings.questions,
    )


def on_sections(critique: Critique, sections: int, most_queries: int) -> Critique:
    """The remarks on sections that there are, with no more queries than are allowed."""
    kept: Sequence[Remark] = [one for one in critique.remarks if 0 <= one.section < sections]
    return Critique(
        remarks=tuple(
            Remark(section=one.section, problem=one.problem, queries=one.queries[:most_queries])
            for one in kept
        )
    )


def _remark(form: RemarkForm) -> Remark:
    named = _SECTION.fullmatch(form.section)
    if named is None:
        raise Faulty("needs_more.0.section: give the number of the section: s1, s2")
    queries = (one_line(query, longest=LONGEST_QUERY) for query in form.queries)
    return Remark(
        section=int(named[1]) - 1,
        problem=one_line(form.problem, longest=LONGEST_CLAIM),
        queries=tuple(dict.fromkeys(query for query in queries if _says(query))),
    )


def _says(line: str) -> bool:
    return bool(line.strip()) and _NOTHING.fullmatch(line) is None
