"""How long a model's answers may be: in claims, and in tokens."""

from __future__ import annotations

from wiseflow.core.configuration import ReportLength

SECTION_CLAIMS = {ReportLength.BRIEF: 4, ReportLength.NORMAL: 7, ReportLength.DETAILED: 12}
SUMMARY_CLAIMS = {ReportLength.BRIEF: 3, ReportLength.NORMAL: 4, ReportLength.DETAILED: 6}
MOST_NOT_FOUND = 5
MOST_ENTITIES = 12
# Tokens of answers, in scripts that need many of them, too.
TITLE_TOKENS, QUERY_TOKENS, CLAIM_TOKENS, SUMMED_TOKENS, FORM_TOKENS = 40, 30, 200, 120, 150
JUDGED_TOKENS = 220


def reading_tokens(questions: int) -> int:
    """The most tokens of what passages show, with so many questions."""
    return FORM_TOKENS + MOST_ENTITIES * TITLE_TOKENS + questions * QUERY_TOKENS


def critique_tokens(sections: int, queries: int) -> int:
    """The most tokens of a critique of so many sections."""
    return FORM_TOKENS + sections * (CLAIM_TOKENS + queries * QUERY_TOKENS)


def plan_tokens(sections: int, queries: int) -> int:
    """The most tokens of a plan with so many sections of so many queries."""
    return FORM_TOKENS + sections * (TITLE_TOKENS + queries * QUERY_TOKENS)


def section_tokens(length: ReportLength) -> int:
    """The most tokens of a section."""
    return FORM_TOKENS + SECTION_CLAIMS[length] * CLAIM_TOKENS


def summary_tokens(length: ReportLength) -> int:
    """The most tokens of a summary."""
    return FORM_TOKENS + (SUMMARY_CLAIMS[length] + MOST_NOT_FOUND) * SUMMED_TOKENS


def judging_tokens(claims: int) -> int:
    """The most tokens of an opinion on so many claims, each with what could stand in its place."""
    return FORM_TOKENS + claims * JUDGED_TOKENS
