"""Every tool before each backend, with the official client."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import jsonschema
import pytest
import pytest_asyncio
from mcp.shared.exceptions import MCPError

from wiseflow.app import open_application
from wiseflow.app.services.documents import DocumentService, Upload
from wiseflow.client.client import Client as ServiceClient
from wiseflow.core.access import LOCAL
from wiseflow.server.mcp.backends import Backend
from wiseflow.server.mcp.embedded import EmbeddedBackend
from wiseflow.server.mcp.protocol import make_server
from wiseflow.server.mcp.remote import ServiceBackend
from wiseflow.server.mcp.tools import BY_NAME
from wiseflow.settings.loading import load_settings

from .conftest import TIDES, Assistant, held, talking_to

# What is opened is dear, so all tests share it: each works with researches of its own.
pytestmark = pytest.mark.asyncio(loop_scope="module")
EMBEDDED, SERVICE = "embedded", "service"


@asynccontextmanager
async def embedded(folder) -> AsyncGenerator[Backend]:
    given = {"WISEFLOW_DATA_DIR": str(folder), "LOCAL_ONLY": "true", "MAX_CONCURRENT_TASKS": "1"}
    settings = load_settings(environ=given, dotenv=None)
    stop = asyncio.Event()
    async with open_application(settings) as application, asyncio.TaskGroup() as group:
        content = io.BytesIO(TIDES.encode())
        upload = Upload(name="tides.md", size=len(TIDES), content=content)
        await DocumentService(application, LOCAL).upload("papers", [upload])
        group.create_task(application.work(2, stop=stop))
        yield EmbeddedBackend(application, LOCAL)
        stop.set()


@asynccontextmanager
async def remote(url: str) -> AsyncGenerator[Backend]:
    async with ServiceClient(url) as client:
        yield ServiceBackend(client)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[EMBEDDED, SERVICE])
async def assistant(request, service, tmp_path_factory) -> AsyncGenerator[Assistant]:
    """An assistant before each backend, with documents about tides and a worker."""
    folder = tmp_path_factory.mktemp("embedded")
    backend = embedded(folder) if request.param == EMBEDDED else remote(service.url)
    async with backend as one, held(talking_to(make_server(lambda _: one))) as found:
        yield found


DEEP = json.loads("[" * 40 + "]" * 40)
# A tool, what it is given, and a part of what it says.
REFUSED = (
    ("submit_research", {}, "topics: Field required"),
    ("submit_research", {"topics": []}, "topics"),
    ("submit_research", {"topics": ["?"]}, "the topic is empty"),
    ("submit_research", {"topics": ["A"], "colour": 1}, "colour"),
    ("submit_research", {"topics": ["A"], "configuration": {"length": "endless"}}, "'brief'"),
    ("submit_research", {"topics": ["A"], "configuration": {"search_api": "exa"}}, "LOCAL_ONLY"),
    ("submit_research", {"topics": ["A"], "follows": "nowhere"}, "'nowhere'"),
    ("submit_research", {"topics": ["A\0"]}, "NUL"),
    ("submit_research", {"topics": [[[["A"]]]]}, "topics.0"),
    ("submit_research", {"topics": DEEP}, "nested more than 32 deep"),
    ("get_status", {"research_id": "nowhere"}, "there is no research 'nowhere'"),
    ("get_status", {"research_id": "no/where"}, "research_id"),
    ("get_status", {"research_id": "a", "wait_s": 1e9}, "wait_s"),
    ("get_report", {"research_id": "nowhere"}, "list_researches"),
    ("get_report", {"research_id": "a", "format": "pdf"}, "format"),
    ("list_researches", {"cursor": "made up"}, "cursor"),
    ("search_library", {"query": "x", "collection": "none"}, "'none'"),
    ("search_library", {"query": ""}, "query"),
    ("get_plan", {"research_id": "nowhere"}, "'nowhere'"),
    ("approve_plan", {"research_id": "nowhere"}, "'nowhere'"),
    ("cancel_research", {"research_id": "nowhere"}, "'nowhere'"),
    ("resume_research", {"research_id": "nowhere"}, "'nowhere'"),
    ("list_collections", {"all": True}, "all"),
)


async def test_a_research_is_done_to_its_end_and_read_in_parts(assistant):
    told = await assistant.get(
        "submit_research",
        topics=["What are spring tides?", "What causes tides?"],
        configuration={"collection": "papers"},
        tags=["sea"],
    )
    [first, second] = [one["id"] for one in told["researches"]]

    status = await assistant.ended(first)
    await assistant.ended(second)

    assert status["progress"] == 1.0
    assert status["cost"] == 0.0
    assert status["sources_found"] == 1
    assert status["sentences_written"] > 0
    assert status["seconds_left"] is None
    assert "get_report" in status["next_step"]
    parts, offset = [], 0
    while offset is not None:
        part = await assistant.get("get_report", research_id=first, offset=offset, limit=200)
        parts.append(part["part"])
        offset = part["next_offset"]
    whole = await assistant.text("get_report", research_id=first)
    assert len(parts) > 1
    assert "".join(parts) == whole
    assert whole.startswith("# What are spring tides?")
    as_json = await assistant.text("get_report", research_id=first, format="json")
    assert as_json.startswith("{")


async def test_the_text_of_a_part_says_how_to_go_on(assistant):
    research = await assistant.submitted()
    await assistant.ended(research)

    said = await assistant.text("get_report", research_id=research, limit=50)

    assert "call get_report with offset 50" in said


async def test_researches_are_listed_by_pages_and_filters(assistant):
    ids = [await assistant.submitted(tag) for tag in ("Tides", "Spring tides", "Seas")]
    await assistant.get("submit_research", topics=["Coasts"], tags=["coast"])

    first = await assistant.get("list_researches", limit=2)
    second = await assistant.get("list_researches", limit=2, cursor=first["next_cursor"])
    tagged = await assistant.get("list_researches", tag="coast", limit=1)

    found = [one["id"] for one in (*first["researches"], *second["researches"])]
    assert found[1:] == list(reversed(ids))
    assert tagged["researches"][0]["tags"] == ["coast"]
    completed = await assistant.get("list_researches", status=["completed"])
    assert {one["status"] for one in completed["researches"]} <= {"completed"}


async def test_the_documents_are_searched(assistant):
    collections = await assistant.get("list_collections")
    found = await assistant.get("search_library", query="spring tides", collection="papers", k=1)

    assert "papers" in [one["name"] for one in collections["collections"]]
    [best] = found["passages"]
    assert best["rank"] == 1
    assert "spring tides" in best["text"]


async def test_a_plan_is_read_changed_and_approved(assistant):
    research = await assistant.submitted(approve_plan=True)
    waiting = await assistant.ended(research, "awaiting_approval")

    plan = (await assistant.get("get_plan", research_id=research))["plan"]
    plan["sections"] = [{"title": "The Moon", "queries": ["gravity of the Moon"]}]
    await assistant.get("approve_plan", research_id=research, plan=plan)
    await assistant.ended(research)

    assert "approve_plan" in waiting["next_step"]
    assert "## The Moon" in await assistant.text("get_report", research_id=research)


async def test_a_research_is_cancelled_and_goes_on(assistant):
    research = await assistant.submitted(approve_plan=True)
    await assistant.ended(research, "awaiting_approval")

    cancelled = await assistant.get("cancel_research", research_id=research)
    resumed = await assistant.get("resume_research", research_id=research)

    assert cancelled["research"]["status"] == "cancelled"
    assert "resume_research" in cancelled["next_step"]
    assert resumed["research"]["status"] != "cancelled"


async def test_the_same_submission_under_the_same_key_is_done_once(assistant):
    given = {"topics": ["Waves"], "request_key": "assistant-1"}

    first = await assistant.get("submit_research", **given)
    again = await assistant.get("submit_research", **given)
    other = await assistant.refused("submit_research", **{**given, "topics": ["Rain"]})

    assert first["researches"][0]["id"] == again["researches"][0]["id"]
    assert "assistant-1" in other


async def test_reports_are_resources(assistant):
    research = await assistant.submitted("Lunar months")
    await assistant.ended(research)

    listed = await assistant.client.list_resources()
    templates = await assistant.client.list_resource_templates()
    read = await assistant.client.read_resource(f"wiseflow://reports/{research}")

    named = {one.uri: one.name for one in listed.resources}
    assert named[f"wiseflow://reports/{research}"] == "Lunar months"
    assert templates.resource_templates[0].uri_template == "wiseflow://reports/{id}"
    assert read.contents[0].text == await assistant.text("get_report", research_id=research)


async def test_what_cannot_be_done_is_named_with_a_cure(assistant):
    told = [(said, await assistant.refused(tool, **given)) for tool, given, said in REFUSED]

    assert [(said, answer) for said, answer in told if said not in answer] == []
    assert [answer for _, answer in told if len(answer.split(". ", 1)) < 2] == []


async def test_a_research_in_a_collection_that_is_not_there_fails_and_says_so(assistant):
    research = await assistant.submitted(collection="none", search_api="documents")

    status = await assistant.ended(research, "failed")
    said = await assistant.refused("get_report", research_id=research)

    assert "none" in status["error"]
    assert "resume_research" in status["next_step"]
    assert "none" in said


async def test_a_report_that_is_not_there_yet_is_refused_and_says_why(assistant):
    research = await assistant.submitted(approve_plan=True)
    await assistant.ended(research, "awaiting_approval")

    said = await assistant.refused("get_report", research_id=research)

    assert "awaiting_approval" in said


async def test_a_tool_or_a_resource_that_is_not_there_is_an_error_of_the_protocol(assistant):
    with pytest.raises(MCPError, match="there is no tool 'forget'"):
        await assistant.client.call_tool("forget", {})
    with pytest.raises(MCPError, match="there is no research 'nowhere'"):
        await assistant.client.read_resource("wiseflow://reports/nowhere")
    with pytest.raises(MCPError, match="research_id"):
        await assistant.client.read_resource("file:///etc/passwd")


async def test_tools_say_what_they_do(assistant):
    found = {one.name: one for one in (await assistant.client.list_tools()).tools}

    assert set(found) == set(BY_NAME)
    changing = {name for name, one in found.items() if not one.annotations.read_only_hint}
    assert changing == {"submit_research", "approve_plan", "cancel_research", "resume_research"}
    assert [n for n, one in found.items() if one.annotations.destructive_hint] == [
        "cancel_research"
    ]
    for tool in found.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.title
        assert tool.description
