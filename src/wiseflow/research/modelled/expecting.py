"""What a research will ask of models and of a search at most, by its configuration. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wiseflow.core.configuration import Configuration, ResearchMode
from wiseflow.research.exploring import MOST_TIMES
from wiseflow.research.growing import MOST_A_LEVEL
from wiseflow.research.modelled.lengths import (
    CLAIM_TOKENS,
    SECTION_CLAIMS,
    SUMMED_TOKENS,
    critique_tokens,
    judging_tokens,
    plan_tokens,
    reading_tokens,
    section_tokens,
    summary_tokens,
)
from wiseflow.research.modelled.outlining import EXTRACT_CHARACTERS, MOST_EXTRACTS, MOST_SECTIONS
from wiseflow.research.multi_agent import rounds_of
from wiseflow.research.steps import EVIDENCE_PASSAGES
from wiseflow.research.web.retrieving import OVERVIEW_RESULTS
from wiseflow.research.web.searching import FURTHER_QUERIES

# Tokens of a prompt of ours with the schema of its answer, and of a passage of usual length with
# its title and tags; English has four characters a token.
PROMPT_TOKENS, PASSAGE_TOKENS, CHARACTERS_A_TOKEN = 800, 300, 4


class Role(StrEnum):
    """Who a model is in a research."""

    PLANNER = "planner"
    WRITER = "writer"
    RESEARCHER = "researcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One call to a model.

    Args:
        role: whose call it is.
        input_tokens: about so many.
        output_tokens: the most its answer may have.
    """

    role: Role
    input_tokens: int
    output_tokens: int


def expected_calls(configuration: Configuration) -> list[Expected]:
    """The calls to models of one research when none has to be made again.

    As many as its mode may make: a graph may end early, a critic be content, and a section none of
    whose claims is in doubt needs no second opinion.
    """
    sections = _sections(configuration)
    reading, critique = _reading(configuration), _critique(configuration)
    drafts = [*[_section(configuration)] * sections, *[_opinion(configuration)] * sections]
    calls = [_plan(configuration), *drafts]
    match configuration.research_mode:
        case ResearchMode.LINEAR:
            pass
        case ResearchMode.GRAPH:
            calls += [reading] * _read(configuration)
        case ResearchMode.MULTI_AGENT:
            calls += [reading] * sections if configuration.max_search_depth > 1 else []
            calls += [critique, *drafts] * rounds_of(configuration)
    return [*calls, _summary(configuration)]


def expected_searches(configuration: Configuration) -> dict[str, int]:
    """How many searches one research makes at most, by provider: an overview, and its steps.

    Those that are asked beside the chosen one are asked few queries of each step.
    """
    sections, queries = _sections(configuration), configuration.number_of_queries
    deeper = configuration.max_search_depth - 1
    match configuration.research_mode:
        case ResearchMode.LINEAR:
            steps, asked = sections, sections * queries
        case ResearchMode.GRAPH:
            steps = sections + deeper * MOST_A_LEVEL
            asked = sections * queries + deeper * MOST_A_LEVEL
        case ResearchMode.MULTI_AGENT:
            steps = sections * (1 + min(deeper, 1) + rounds_of(configuration))
            asked = steps * queries
    provider, further = configuration.providers[:1], configuration.providers[1:]
    return {
        **dict.fromkeys(provider, 1 + asked),
        **dict.fromkeys(further, 1 + steps * FURTHER_QUERIES),
    }


def _plan(configuration: Configuration) -> Expected:
    few = len(configuration.providers) == 1 and not configuration.in_documents
    shown = OVERVIEW_RESULTS if few else MOST_EXTRACTS
    return Expected(
        role=Role.PLANNER,
        input_tokens=PROMPT_TOKENS + shown * EXTRACT_CHARACTERS // CHARACTERS_A_TOKEN,
        output_tokens=plan_tokens(_sections(configuration), configuration.number_of_queries),
    )


def _section(configuration: Configuration) -> Expected:
    usual = EVIDENCE_PASSAGES[configuration.length]
    deep = configuration.research_mode is not ResearchMode.LINEAR
    return Expected(
        role=Role.WRITER,
        input_tokens=PROMPT_TOKENS + usual * (MOST_TIMES if deep else 1) * PASSAGE_TOKENS,
        output_tokens=section_tokens(configuration.length),
    )


def _reading(configuration: Configuration) -> Expected:
    passages = EVIDENCE_PASSAGES[configuration.length]
    return Expected(
        role=Role.RESEARCHER,
        input_tokens=PROMPT_TOKENS + passages * PASSAGE_TOKENS,
        output_tokens=reading_tokens(configuration.number_of_queries),
    )


def _opinion(configuration: Configuration) -> Expected:
    claims = SECTION_CLAIMS[configuration.length]
    return Expected(
        role=Role.RESEARCHER,
        input_tokens=PROMPT_TOKENS + claims * (PASSAGE_TOKENS + CLAIM_TOKENS),
        output_tokens=judging_tokens(claims),
    )


def _critique(configuration: Configuration) -> Expected:
    return Expected(
        role=Role.PLANNER,
        input_tokens=_claims_tokens(configuration),
        output_tokens=critique_tokens(_sections(configuration), configuration.number_of_queries),
    )


def _summary(configuration: Configuration) -> Expected:
    return Expected(
        role=Role.WRITER,
        input_tokens=_claims_tokens(configuration),
        output_tokens=summary_tokens(configuration.length),
    )


def _claims_tokens(configuration: Configuration) -> int:
    claims = _sections(configuration) * SECTION_CLAIMS[configuration.length]
    return PROMPT_TOKENS + claims * SUMMED_TOKENS


def _read(configuration: Configuration) -> int:
    """How many questions of a graph are read on: those of all levels but the last."""
    levels = configuration.max_search_depth - 1
    return _sections(configuration) + MOST_A_LEVEL * (levels - 1) if levels else 0


def _sections(configuration: Configuration) -> int:
    return len(configuration.report_structure) or MOST_SECTIONS[configuration.length]
