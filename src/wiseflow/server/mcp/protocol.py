"""The tools and reports as the protocol has them; what only needs the library ``mcp``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)
from pydantic.json_schema import GenerateJsonSchema

from wiseflow.core.errors import TooLarge, WiseflowError
from wiseflow.core.jobs import JobStatus
from wiseflow.core.version import VERSION
from wiseflow.server.mcp import tools
from wiseflow.server.mcp.arguments import MOST_CHARACTERS, ListResearches, OfResearch
from wiseflow.server.mcp.backends import Backend
from wiseflow.server.mcp.calling import Called, call, read, told
from wiseflow.server.renderings import ReportFormat

Context = ServerRequestContext[Any, Any]
BackendOf = Callable[[Context], Backend]
REPORTS = "wiseflow://reports/"
MARKDOWN = ReportFormat.MARKDOWN


def make_server(backend_of: BackendOf) -> Server[Any]:
    """What answers the protocol's requests.

    Args:
        backend_of: gives the backend for who sent a request.
    """
    answering = _Answering(backend_of)
    server: Server[Any] = Server(
        "wiseflow",
        title="WiseFlow",
        version=VERSION,
        instructions=tools.INSTRUCTIONS,
        get_tool_input_schema=_input_schema,
        on_list_tools=answering.list_tools,
        on_call_tool=answering.call_tool,
        on_list_resources=answering.list_resources,
        on_list_resource_templates=answering.list_templates,
        on_read_resource=answering.read_resource,
    )
    # The library's own spans would stand beside the one trace of a research.
    server.middleware.clear()
    return server


class _Untitled(GenerateJsonSchema):
    """Schemas without a title for each field, which only says its name again."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - its signature
        """Never."""
        return False


class _Answering:
    """The handlers of a server."""

    def __init__(self, backend_of: BackendOf) -> None:
        self._backend_of = backend_of

    async def list_tools(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        """All tools."""
        return ListToolsResult(tools=list(_all_told()))

    async def call_tool(self, context: Context, asked: CallToolRequestParams) -> CallToolResult:
        """What comes of a call; only a tool that is not there is an error of the protocol."""
        tool = tools.BY_NAME.get(asked.name)
        if tool is None:
            known = ", ".join(tools.BY_NAME)
            raise MCPError(INVALID_PARAMS, f"there is no tool {asked.name!r}. There is {known}")
        called = await call(tool, self._backend_of(context), asked.arguments or {})
        return _result(called)

    async def list_resources(
        self, context: Context, asked: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        """The reports of completed researches, a page at a time."""
        cursor = (asked and asked.cursor) or ""
        wanted = {"status": [JobStatus.COMPLETED], "cursor": cursor}
        try:
            page = await self._backend_of(context).page(ListResearches.model_validate(wanted))
        except WiseflowError as error:
            raise _refusal(error) from error
        found = [
            Resource(uri=f"{REPORTS}{job.job_id}", name=job.title, mime_type=MARKDOWN.media_type)
            for job in page.jobs
        ]
        return ListResourcesResult(resources=found, next_cursor=page.cursor or None)

    async def list_templates(
        self, _: Context, __: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        """How the address of a report is made."""
        report = ResourceTemplate(
            uri_template=f"{REPORTS}{{id}}",
            name="report",
            title="The report of a research",
            mime_type=MARKDOWN.media_type,
        )
        return ListResourceTemplatesResult(resource_templates=[report])

    async def read_resource(
        self, context: Context, asked: ReadResourceRequestParams
    ) -> ReadResourceResult:
        """A report, if it is not too long to be taken at once."""
        try:
            wanted = read(OfResearch, {"research_id": asked.uri.removeprefix(REPORTS)})
            assert isinstance(wanted, OfResearch)
            report = await self._backend_of(context).report(wanted.research_id, MARKDOWN)
            _check_length(report)
        except WiseflowError as error:
            raise _refusal(error) from error
        text = TextResourceContents(uri=asked.uri, mime_type=MARKDOWN.media_type, text=report)
        return ReadResourceResult(contents=[text])


@cache
def _all_told() -> tuple[Tool, ...]:
    return tuple(map(_told, tools.TOOLS))


def _told(tool: tools.Tool) -> Tool:
    return Tool(
        name=tool.name,
        title=tool.title,
        description=tool.about,
        input_schema=tool.takes.model_json_schema(schema_generator=_Untitled),
        output_schema=tool.gives.model_json_schema(
            mode="serialization", schema_generator=_Untitled
        ),
        annotations=ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.changes,
            destructive_hint=tool.ends,
            idempotent_hint=tool.repeatable,
            open_world_hint=tool.outside,
        ),
    )


def _input_schema(name: str) -> dict[str, Any] | None:
    return next((one.input_schema for one in _all_told() if one.name == name), None)


def _result(called: Called) -> CallToolResult:
    answer = called.answer
    if answer is None:
        # No record beside it: some clients check that by the schema, errors too.
        return CallToolResult(content=[TextContent(text=called.error)], is_error=True)
    return CallToolResult(
        content=[TextContent(text=answer.text())], structured_content=answer.model_dump(mode="json")
    )


def _check_length(report: str) -> None:
    if len(report) > MOST_CHARACTERS:
        raise TooLarge(
            f"the report has {len(report):,} characters, and may have {MOST_CHARACTERS:,} here",
            cure="Read it part by part with the tool get_report",
        )


def _refusal(error: WiseflowError) -> MCPError:
    """An error of ours where the protocol has no place for one of a tool."""
    return MCPError(INVALID_PARAMS, told(error))
