"""A question to a finished report: the payload of its job, read and checked, and written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from wiseflow.core.configuration import Configuration
from wiseflow.core.errors import InvalidInput
from wiseflow.research.asking import Question, from_payload, to_payload

KIND = "question"
# What the jobs of the questions to one report are found by.
TAG = "about"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuestion:
    """A question to the report of a research.

    Args:
        research_id: of the research.
        text: the question, on one line.
        configuration: says who answers, in which language, and what may be spent.
    """

    research_id: str
    text: str
    configuration: Configuration

    @property
    def idempotency_key(self) -> str:
        """Equal for equal questions to one report, so that each is answered and paid once."""
        told = json.dumps(question_payload(self), sort_keys=True)
        return f"{KIND}-{hashlib.blake2b(told.encode(), digest_size=16).hexdigest()}"


def tag_of(research_id: str) -> str:
    """The tag that the questions to a research's report have."""
    return f"{TAG}:{research_id}"


def question_payload(question: ReportQuestion) -> dict[str, object]:
    """The payload of a question's job, as JSON values."""
    asked = to_payload(Question(topic=question.text, configuration=question.configuration))
    return {"research_id": question.research_id, **asked}


def read_question(payload: Mapping[str, object]) -> ReportQuestion:
    """The question that a job's payload holds.

    Raises:
        InvalidInput: a key is unknown or its value cannot be used; the key is named.
    """
    rest = {key: value for key, value in payload.items() if key != "research_id"}
    research_id = payload.get("research_id")
    if not isinstance(research_id, str) or not research_id:
        raise InvalidInput("a question names no research", cure="Give its id as 'research_id'")
    asked = from_payload(rest)
    return ReportQuestion(
        research_id=research_id, text=asked.topic, configuration=asked.configuration
    )
