"""Calls a tool: reads its arguments, runs it, notes what changed; errors become words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import ValidationError

from wiseflow.core.errors import Conflict, InvalidInput, NotFound, WiseflowError
from wiseflow.observability.logs import get_logger
from wiseflow.server.mcp.answers import Answer, Changed, Submitted
from wiseflow.server.mcp.arguments import Arguments
from wiseflow.server.mcp.backends import Backend
from wiseflow.server.mcp.tools import Tool
from wiseflow.server.unstorable import why_unstorable

# Of what is wrong in arguments, so many places are told.
MOST_PLACES = 5
LONGEST_MESSAGE = 500
# For errors that name no cure of their own, by the first kind that fits.
CURES: tuple[tuple[type[WiseflowError], str], ...] = (
    (NotFound, "list_researches and list_collections tell what there is"),
    (Conflict, "get_status tells where the research is"),
    (InvalidInput, "Mend it and call again"),
)
OTHER_CURE = "Try again in a while; if it stays, tell the user"
UNEXPECTED = "an unexpected error, which is logged. Try again; if it stays, report it"
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What came of a call: an answer, or what went wrong and what can be done about it."""

    answer: Answer | None = None
    error: str = ""


async def call(tool: Tool, backend: Backend, given: Mapping[str, object]) -> Called:
    """What comes of a call. Nothing is raised: assistants read errors, and mend what they sent."""
    status = HTTPStatus.OK.value
    try:
        called = Called(answer=await tool.run(backend, read(tool.takes, given)))
    except WiseflowError as error:
        status, called = error.http_status, Called(error=told(error))
    except Exception as error:  # noqa: BLE001 - the boundary of a request
        _log.error("A tool met an error that nobody expected", tool=tool.name, exc_info=error)
        status, called = HTTPStatus.INTERNAL_SERVER_ERROR.value, Called(error=UNEXPECTED)
    if tool.changes:
        target = _target(called.answer, given)
        await backend.note(f"mcp {tool.name}", outcome=str(status), target=target)
    return called


def read(kind: type[Arguments], given: Mapping[str, object]) -> Arguments:
    """The arguments of a tool.

    Raises:
        InvalidInput: they cannot be used; each place is named.
    """
    if why := why_unstorable(given):
        raise InvalidInput(f"the arguments cannot be used: {why}", cure="Send plain text")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        places = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:MOST_PLACES]]
        raise InvalidInput(
            f"the arguments cannot be used: {'; '.join(places)}"[:LONGEST_MESSAGE],
            cure="Mend these and call again; the tool's input schema tells what may be given",
        ) from None


def told(error: WiseflowError) -> str:
    """What happened, and what an assistant can do about it."""
    if error.cure:
        return str(error)
    cure = next((cure for kind, cure in CURES if isinstance(error, kind)), OTHER_CURE)
    return f"{error.message}. {cure}"


def _target(answer: Answer | None, given: Mapping[str, object]) -> str:
    """The ids that a call was about, for the audit log."""
    match answer:
        case Submitted():
            return ",".join(one.id for one in answer.researches)
        case Changed():
            return answer.research.id
        case _:
            named = given.get("research_id", "")
            return named[:LONGEST_MESSAGE] if isinstance(named, str) else ""
