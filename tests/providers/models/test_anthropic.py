from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from wiseflow.core.asking import Finish
from wiseflow.core.errors import (
    AuthFailed,
    ContentRefused,
    ContextTooLong,
    InvalidInput,
    MalformedOutput,
    ModelMissing,
    NetworkFailed,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.providers.anthropic import AnthropicService


def message(*content: dict[str, Any], reason: str = "end_turn", **others) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-2026",
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 3},
        **others,
    }


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def event(kind: str, **fields) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def begin() -> bytes:
    return event("message_start", message=message(reason=""))


def delta(said: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": said})


OPEN = event("content_block_start", index=0, content_block=text(""))
END = (
    event("content_block_stop", index=0),
    event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage={"output_tokens": 9},
    ),
    event("message_stop"),
)


@pytest.fixture
def service(endpoint, clients):
    return lambda path="", **others: AnthropicService(
        endpoint("anthropic", path, **others), clients
    )


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def failing(request, service):
    """Asks for an answer, whole or streamed."""

    async def complete(asked):
        listen = (lambda _text: None) if request.param else None
        return await service().chat("claude-x").complete(asked, on_text=listen)

    return complete


@pytest.mark.parametrize("path", ["", "/v1", "/v1/"])
async def test_an_answer_comes_with_what_it_used(server, service, ask, path, canary):
    server.say(message(text("Ada did.")))

    reply = await service(path).chat("claude-x").complete(ask())

    assert (reply.value.text, reply.value.model) == ("Ada did.", "claude-2026")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 3)
    assert server.paths[0].startswith("POST /v1/messages")
    assert server.headers[0]["authorization"] == f"Bearer {canary}"
    asked = server.asked[0]
    assert (asked["max_tokens"], asked["temperature"]) == (200, 0.0)
    assert "careful" in json.dumps(asked["system"])


async def test_a_model_that_refuses_a_temperature_is_told_none(server, service, ask):
    server.say(message(text("Ada did.")))

    await service().chat("claude-opus-5").complete(ask())

    assert "temperature" not in server.asked[0]


async def test_nothing_of_the_environment_is_sent(server, service, ask, monkeypatch):
    for name in ("API_KEY", "AUTH_TOKEN", "PROFILE"):
        monkeypatch.setenv(f"ANTHROPIC_{name}", "from-the-environment")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://from-the-environment.invalid")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Mine: from-the-environment")
    server.say(message(text("Ada did.")))

    await service().chat("claude-opus-5").complete(ask())

    assert "from-the-environment" not in str(server.headers)


async def test_a_streamed_answer_is_shown_as_it_comes(server, service, ask):
    server.stream(begin(), OPEN, delta("Ada "), delta("did."), *END)
    shown: list[str] = []

    reply = await service().chat("claude-opus-5").complete(ask(), on_text=shown.append)

    assert shown == ["Ada ", "did."]
    assert reply.value.text == "Ada did."
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 9)


@pytest.mark.parametrize("streamed", [False, True])
async def test_json_is_asked_for_as_the_input_of_a_tool(server, service, ask, schema, streamed):
    tool = {"type": "tool_use", "id": "t", "name": "maker", "input": {"made_by": "Ada"}}
    if streamed:
        server.stream(
            begin(),
            event("content_block_start", index=0, content_block={**tool, "input": {}}),
            event(
                "content_block_delta",
                index=0,
                delta={"type": "input_json_delta", "partial_json": '{"made_by": '},
            ),
            event(
                "content_block_delta",
                index=0,
                delta={"type": "input_json_delta", "partial_json": '"Ada"}'},
            ),
            *END,
        )
    else:
        server.say(message(tool, reason="tool_use"))
    shown: list[str] = []

    reply = await (
        service()
        .chat("claude-x")
        .complete(
            ask(schema=schema, schema_name="maker"), on_text=shown.append if streamed else None
        )
    )

    assert json.loads(reply.value.text) == {"made_by": "Ada"}
    assert not streamed or json.loads("".join(shown)) == {"made_by": "Ada"}
    (tool,) = server.asked[0]["tools"]
    assert tool["name"] == "maker"
    assert tool["input_schema"]["required"] == ["made_by"]
    assert server.asked[0]["tool_choice"]["type"] in {"any", "tool"}


async def test_where_tools_are_refused_json_is_asked_for_in_words(server, service, ask, schema):
    refused = {"type": "error", "error": {"type": "invalid_request_error", "message": "no tools"}}
    server.say(refused, 400)
    server.say(message(text('{"made_by": "Ada"}')))

    reply = await service().chat("claude-x").complete(ask(schema=schema))

    assert json.loads(reply.value.text) == {"made_by": "Ada"}
    assert "tools" not in server.asked[1]
    assert "made_by" in json.dumps(server.asked[1]["messages"])


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (401, ("authentication_error", "invalid x-api-key"), AuthFailed),
        (403, ("permission_error", "no"), AuthFailed),
        (404, ("not_found_error", "model: claude-x"), ModelMissing),
        (413, ("request_too_large", "too large"), ContextTooLong),
        (
            400,
            ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
            ContextTooLong,
        ),
        (400, ("invalid_request_error", "Your credit balance is too low"), QuotaSpent),
        (402, ("billing_error", "no"), QuotaSpent),
        (429, ("rate_limit_error", "slow down"), RateLimited),
        (500, ("api_error", "oops"), ProviderDown),
        (529, ("overloaded_error", "Overloaded"), ProviderDown),
    ],
)
async def test_a_status_is_told_as_what_it_means(server, failing, ask, canary, status, error, told):
    kind, said = error
    server.say(
        {"type": "error", "error": {"type": kind, "message": f"{said} {canary}"}},
        status,
        {"retry-after": "3", "anthropic-ratelimit-requests-remaining": "0"},
    )
    with pytest.raises(told) as raised:
        await failing(ask())

    assert raised.value.retry_after_s == 3.0
    assert raised.value.allowances[0].remaining == 0.0
    assert canary not in "".join(traceback.format_exception(raised.value))


async def test_an_error_within_a_stream_is_told_as_what_it_means(server, service, ask):
    error = {"type": "overloaded_error", "message": "Overloaded"}
    server.stream(begin(), OPEN, delta("Ada"), event("error", error=error))

    with pytest.raises(ProviderDown):
        await service().chat("claude-x").complete(ask(), on_text=lambda _text: None)


async def test_a_connection_that_breaks_within_a_stream_is_told_as_that(server, service, ask):
    server.stream(begin(), OPEN, delta("Ada"), cut=True)

    with pytest.raises(NetworkFailed):
        await service().chat("claude-x").complete(ask(), on_text=lambda _text: None)


async def test_a_stream_that_ends_without_an_end_is_malformed(server, service, ask):
    server.stream(begin(), OPEN, delta("Ada"))

    with pytest.raises(MalformedOutput):
        await service().chat("claude-x").complete(ask(), on_text=lambda _text: None)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        [],
        message(),
        message(text("")),
        {"type": "message"},
        {**message(text("x")), "usage": None},
    ],
)
async def test_an_answer_that_cannot_be_read_is_malformed(server, service, ask, body):
    server.say(body)

    with pytest.raises(MalformedOutput):
        await service().chat("claude-x").complete(ask())


async def test_refused_content_is_told_as_that(server, service, ask):
    server.say(message(reason="refusal"))

    with pytest.raises(ContentRefused):
        await service().chat("claude-x").complete(ask())


async def test_an_answer_that_was_cut_says_so(server, service, ask):
    server.say(message(text("Ada di"), reason="max_tokens"))

    reply = await service().chat("claude-x").complete(ask())

    assert reply.value.finish is Finish.LENGTH


async def test_thoughts_are_left_out(server, service, ask):
    thinking = {"type": "thinking", "thinking": "why", "signature": "s"}
    server.say(message(thinking, text("Ada did.")))

    assert (await service().chat("claude-x").complete(ask())).value.text == "Ada did."


async def test_a_key_that_is_taken_tells_its_models(server, service, canary):
    server.say({"data": [{"id": "claude-1"}]})

    test = await service().test_key()

    assert (test.valid, test.models) == (True, ("claude-1",))
    assert server.paths == ["GET /v1/models"]
    assert server.headers[0]["x-api-key"] == canary


async def test_a_key_that_is_refused_names_its_setting(server, service):
    server.say({"type": "error", "error": {"type": "authentication_error"}}, 401)

    test = await service().test_key()

    assert not test.valid
    assert "ANTHROPIC_API_KEY" in test.detail


def test_there_are_no_vectors(service):
    with pytest.raises(InvalidInput, match="vectors"):
        service().embeddings("claude-x")
