"""A plan as a form has it: sections with their searches, one a line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wiseflow.core.authoring import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanForm:
    """What the form shows or sent.

    Args:
        title, language: of the plan.
        sections: each its title and its searches; the last may be empty, for one more.
    """

    title: str = ""
    language: str = ""
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, plan: Plan) -> PlanForm:
        """The form that shows a plan, with room for one more section."""
        sections = tuple((one.title, one.queries) for one in plan.sections)
        return cls(title=plan.title, language=plan.language, sections=(*sections, ("", ())))

    @classmethod
    def sent(
        cls, title: str, language: str, titles: Sequence[str], queries: Sequence[str]
    ) -> PlanForm:
        """The form as it was sent back; its lists are of the same length."""
        lines = [
            tuple(line.strip() for line in one.splitlines() if line.strip()) for one in queries
        ]
        pairs = zip((one.strip() for one in titles), lines, strict=False)
        return cls(title=title, language=language, sections=tuple(pairs))

    def as_json(self) -> dict[str, object]:
        """The plan as ``plan_from_json`` reads it; a section without a title is left out."""
        return {
            "title": self.title,
            "language": self.language,
            "sections": [
                {"title": title, "queries": list(queries or (title,))}
                for title, queries in self.sections
                if title
            ],
        }
