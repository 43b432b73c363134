"""Why a request is not answered, in no provider's words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from wiseflow.simulator.calls import Reply, encode


class ProblemKind(StrEnum):
    """What is wrong."""

    BAD_REQUEST = "bad_request"
    KEY_INVALID = "key_invalid"
    QUOTA_SPENT = "quota_spent"
    MODEL_UNKNOWN = "model_unknown"
    CONTEXT_LENGTH = "context_length"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"


STATUS = {
    ProblemKind.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    ProblemKind.KEY_INVALID: HTTPStatus.UNAUTHORIZED,
    ProblemKind.QUOTA_SPENT: HTTPStatus.TOO_MANY_REQUESTS,
    ProblemKind.MODEL_UNKNOWN: HTTPStatus.NOT_FOUND,
    ProblemKind.CONTEXT_LENGTH: HTTPStatus.BAD_REQUEST,
    ProblemKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemKind.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ProblemKind.SERVER_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason.

    Args:
        kind: what is wrong.
        message: one sentence.
        dimension: of the limit that was reached, or "".
    """

    kind: ProblemKind
    message: str
    dimension: str = ""

    @property
    def status(self) -> int:
        """Of HTTP, where a provider has no own."""
        return int(STATUS[self.kind])


class Unanswerable(Exception):
    """A provider cannot read a request.

    Args:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def bad_request(message: str) -> Unanswerable:
    """To be raised where a request is not of the provider's form."""
    return Unanswerable(Problem(kind=ProblemKind.BAD_REQUEST, message=message))


def error_reply(status: int, body: Any) -> Reply:
    """An error as JSON."""
    return Reply(body=encode(body), status=status)
