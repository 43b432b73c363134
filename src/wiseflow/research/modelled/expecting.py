"""What a linear research will ask of models and of a search, told from its configuration. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from wiseflow.core.configuration import Configuration
from wiseflow.research.modelled.lengths import (
    SECTION_CLAIMS,
    SUMMED_TOKENS,
    plan_tokens,
    section_tokens,
    summary_tokens,
)
from wiseflow.research.modelled.outlining import EXTRACT_CHARACTERS, MOST_EXTRACTS, MOST_SECTIONS
from wiseflow.research.steps import EVIDENCE_PASSAGES
from wiseflow.research.web.retrieving import OVERVIEW_RESULTS

# Tokens of a prompt of ours with the schema of its answer, and of a passage of usual length with
# its title and tags; English has four characters a token.
PROMPT_TOKENS, PASSAGE_TOKENS, CHARACTERS_A_TOKEN = 800, 300, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One call to a model.

    Args:
        role: ``planner`` or ``writer``.
        input_tokens: about so many.
        output_tokens: the most its answer may have.
    """

    role: str
    input_tokens: int
    output_tokens: int


def expected_calls(configuration: Configuration) -> list[Expected]:
    """The calls to models of one research when none has to be made again: plan, sections, summary.

    The number of sections is the most a planner may give.
    """
    length = configuration.length
    sections = _sections(configuration)
    shown = OVERVIEW_RESULTS if configuration.on_web else MOST_EXTRACTS
    plan = Expected(
        role="planner",
        input_tokens=PROMPT_TOKENS + shown * EXTRACT_CHARACTERS // CHARACTERS_A_TOKEN,
        output_tokens=plan_tokens(sections, configuration.number_of_queries),
    )
    section = Expected(
        role="writer",
        input_tokens=PROMPT_TOKENS + EVIDENCE_PASSAGES[length] * PASSAGE_TOKENS,
        output_tokens=section_tokens(length),
    )
    summary = Expected(
        role="writer",
        input_tokens=PROMPT_TOKENS + sections * SECTION_CLAIMS[length] * SUMMED_TOKENS,
        output_tokens=summary_tokens(length),
    )
    return [plan, *[section] * sections, summary]


def expected_searches(configuration: Configuration) -> int:
    """How many searches one research makes: for an overview, and each section's queries."""
    if not configuration.on_web:
        return 0
    return 1 + _sections(configuration) * configuration.number_of_queries


def _sections(configuration: Configuration) -> int:
    return len(configuration.report_structure) or MOST_SECTIONS[configuration.length]
