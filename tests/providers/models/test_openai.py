from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import traceback
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from wiseflow.core.asking import Finish, Message, Speaker
from wiseflow.core.calls import Usage
from wiseflow.core.errors import (
    AuthFailed,
    BadRequest,
    CallError,
    CallTimeout,
    ConfigurationError,
    ContentRefused,
    ContextTooLong,
    MalformedOutput,
    ModelMissing,
    NetworkFailed,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.core.limits import Dimension
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients
from wiseflow.providers.openai import OpenAIService
from wiseflow.providers.registry import Registry
from wiseflow.text.tokens import estimate_request, estimate_tokens

PATH = "/v1"


def completion(text: str | None = "Ada did.", **others) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **others.pop("message", {})},
        "finish_reason": others.pop("finish_reason", "stop"),
    }
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "m-2026",
        "choices": [choice],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
        **others,
    }


def chunk(text: str = "", reason: str | None = None, **others) -> bytes:
    delta = {"role": "assistant", "content": text} if text else {}
    body = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m-2026",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        **others,
    }
    return f"data: {json.dumps(body)}\n\n".encode()


def refusal(message: str, status: int = 400, **others) -> tuple[dict[str, Any], int]:
    return {"error": {"message": message, "type": "invalid_request_error", **others}}, status


DONE = b"data: [DONE]\n\n"


@pytest.fixture
def chat(endpoint, clients):
    def make(provider: str = "llm", model: str = "m", **others):
        return OpenAIService(endpoint(provider, PATH, **others), clients).chat(model)

    return make


async def test_an_answer_comes_with_what_it_used(server, chat, ask):
    server.say(completion())

    reply = await chat().complete(ask())

    assert (reply.value.text, reply.value.model) == ("Ada did.", "m-2026")
    assert reply.value.finish is Finish.STOP
    assert reply.usage == Usage(input_tokens=11, output_tokens=3, bytes=8)


async def test_what_is_asked_is_what_was_to_be_asked(server, chat, ask, canary):
    server.say(completion())

    await chat().complete(ask("Who?", temperature=0.5, max_tokens=77))

    (asked,), (headers,) = server.asked, server.headers
    assert asked == {
        "model": "m",
        "messages": [{"role": "user", "content": "Who?"}],
        "max_tokens": 77,
        "temperature": 0.5,
        "stream": False,
    }
    assert server.paths == ["POST /v1/chat/completions"]
    assert headers["authorization"] == f"Bearer {canary}"
    assert headers["user-agent"].startswith("WiseFlow/")


async def test_speakers_keep_their_order(server, chat, ask, schema):
    server.say(*refusal("response_format is unknown"))
    server.say(completion())
    request = ask(schema=schema)
    answered = Message(speaker=Speaker.ASSISTANT, text="Ada.")

    await chat().complete(replace(request, messages=(*request.messages, answered)))

    roles = [[one["role"] for one in asked["messages"]] for asked in server.asked]
    assert roles[0] == ["system", "user", "assistant"]
    assert roles[1] == ["system", "user", "assistant", "user"]  # the last one asks for JSON


async def test_openai_itself_is_asked_by_its_own_name_of_the_bound(server, chat, ask):
    server.say(completion())

    await chat("openai", "gpt-5-mini").complete(ask())

    assert server.asked[0]["max_completion_tokens"] == 200
    assert "max_tokens" not in server.asked[0]
    assert "temperature" not in server.asked[0]  # it reasons, and refuses one


async def test_nothing_of_the_environment_is_sent(server, chat, ask, monkeypatch):
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "from-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: from-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://from-the-environment.invalid")
    server.say(completion())

    await chat().complete(ask())

    assert "from-the-environment" not in str(server.headers)


async def test_without_a_key_none_is_sent(server, chat, ask):
    server.say(completion())

    await chat(api_key="").complete(ask())

    assert "authorization" not in server.headers[0]


async def test_a_streamed_answer_is_shown_as_it_comes(server, chat, ask):
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    server.stream(
        chunk("<thi"), chunk("nk>why</think>\n"), chunk("Ada "), chunk("did."),
        chunk(reason="stop"), chunk(choices=[], usage=usage), DONE,
    )  # fmt: skip
    shown: list[str] = []

    reply = await chat().complete(ask(), on_text=shown.append)

    assert shown == ["Ada ", "did."]
    assert reply.value.text == "Ada did."
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 2)
    assert server.asked[0]["stream_options"] == {"include_usage": True}


async def test_what_the_listener_raises_is_his(server, chat, ask):
    server.stream(chunk("Ada"), chunk(reason="stop"), DONE)

    def listen(_text: str) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await chat().complete(ask(), on_text=listen)


async def test_use_that_is_not_told_is_estimated(server, chat, ask):
    server.say(completion("<think>why</think>\nAda did.", usage=None))
    request = ask()

    reply = await chat().complete(request)

    assert reply.usage.input_tokens == estimate_request(request)
    assert reply.usage.output_tokens == estimate_tokens("<think>why</think>\nAda did.")


async def test_thoughts_in_a_field_of_their_own_are_left_out(server, chat, ask):
    server.say(completion(message={"reasoning_content": "why"}))

    assert (await chat().complete(ask())).value.text == "Ada did."


async def test_limits_are_told_on_success_and_on_errors(server, chat, ask):
    told = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
    }
    server.say(completion(), headers=told)
    server.say(*refusal("slow down", 429, code="rate_limit_exceeded"), {**told, "retry-after": "7"})
    model = chat()

    reply = await model.complete(ask())
    with pytest.raises(RateLimited) as raised:
        await model.complete(ask())

    (allowance,) = reply.allowances
    assert (allowance.dimension, allowance.limit, allowance.remaining) == (
        Dimension.REQUESTS, 60.0, 59.0,
    )  # fmt: skip
    assert raised.value.allowances == (allowance,)
    assert raised.value.retry_after_s == 7.0


@pytest.mark.parametrize("streamed", [False, True])
async def test_json_is_asked_for_by_its_schema(server, chat, ask, schema, streamed):
    if streamed:
        server.stream(chunk('{"made_by": '), chunk('"Ada"}'), chunk(reason="stop"), DONE)
    else:
        server.say(completion('{"made_by": "Ada"}'))
    listen = (lambda _text: None) if streamed else None

    reply = await chat().complete(ask(schema=schema, schema_name="maker"), on_text=listen)

    wanted = server.asked[0]["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["name"] == "maker"
    assert wanted["json_schema"]["schema"]["required"] == ["made_by"]
    assert json.loads(reply.value.text) == {"made_by": "Ada"}


async def test_a_refused_form_of_json_is_left_out_from_then_on(server, chat, ask, schema):
    server.say(*refusal("response_format json_schema is not supported"))
    server.say(*refusal("response_format has an extra field: schema"))
    server.say(*refusal("'response_format' is unknown", 422))
    server.say(completion('{"made_by": "Ada"}'))
    model = chat()

    await model.complete(ask("Who?", schema=schema))
    await model.complete(ask("Who?", schema=schema))

    forms = [(asked.get("response_format") or {}).get("type") for asked in server.asked]
    assert forms == ["json_schema", "json_object", "json_object", None, None]
    assert "schema" not in server.asked[2]["response_format"]
    said = server.asked[-1]["messages"][-1]["content"]
    assert said.startswith("Who?")
    assert "made_by" in said


async def test_a_server_that_fails_on_a_form_it_does_not_know_is_asked_in_the_next(
    server, chat, ask, schema
):
    # Source: llama-cpp-python 0.3.36, which validates with a 500.
    server.say(
        *refusal("{'loc': ('body', 'response_format', 'type'), 'input': 'json_schema'}", 500)
    )
    server.say(completion('{"made_by": "Ada"}'))

    await chat().complete(ask(schema=schema))

    wanted = server.asked[1]["response_format"]
    assert wanted["type"] == "json_object"
    assert wanted["schema"]["required"] == ["made_by"]


async def test_a_call_that_met_the_same_refusal_asks_as_others_learned(server, chat, ask, schema):
    server.say(*refusal("response_format is not supported"))
    server.say(*refusal("response_format is not supported"))
    server.say(completion('{"made_by": "Ada"}'))
    model = chat()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(model.complete(ask(schema=schema)), name=n) for n in "ab"]

    assert [json.loads(task.result().value.text) for task in tasks] == [{"made_by": "Ada"}] * 2


@pytest.mark.parametrize(
    ("message", "gone", "there"),
    [
        ("Unsupported value: 'temperature' does not support 0", "temperature", "max_tokens"),
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.",
            "max_tokens",
            "max_completion_tokens",
        ),
    ],
)
async def test_what_a_model_refuses_to_be_told_is_left_out(server, chat, ask, message, gone, there):
    server.say(*refusal(message))
    server.say(completion())

    await chat().complete(ask())

    assert gone in server.asked[0]
    assert gone not in server.asked[1]
    assert there in server.asked[1]


async def test_a_server_without_stream_options_streams(server, chat, ask):
    server.say(*refusal("Extra inputs are not permitted: stream_options"))
    server.stream(chunk("Ada"), chunk(reason="stop"), DONE)
    shown: list[str] = []

    reply = await chat().complete(ask(), on_text=shown.append)

    assert "stream_options" not in server.asked[1]
    assert (shown, reply.value.text) == (["Ada"], "Ada")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"message": "Incorrect API key", "code": "invalid_api_key"}, AuthFailed),
        (403, {"message": "Forbidden"}, AuthFailed),
        (404, {"message": "The model `m` does not exist", "code": "model_not_found"}, ModelMissing),
        (404, {"message": "The model `m` does not exist.", "code": 404}, ModelMissing),
        (429, {"message": "Rate limit", "code": "rate_limit_exceeded"}, RateLimited),
        (429, {"message": "You exceeded", "code": "insufficient_quota"}, QuotaSpent),
        (400, {"message": "This model's maximum context length is 8192"}, ContextTooLong),
        (400, {"message": "no", "code": "context_length_exceeded"}, ContextTooLong),
        (400, {"message": "no", "code": "content_filter"}, ContentRefused),
        (400, {"message": "Something else"}, BadRequest),
        (500, {"message": "oops"}, ProviderDown),
        (503, {"message": "overloaded"}, ProviderDown),
        (529, {"message": "overloaded"}, ProviderDown),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_status_is_told_as_what_it_means(server, chat, ask, status, body, kind, streamed):
    server.say({"error": body}, status)
    listen = (lambda _text: None) if streamed else None

    with pytest.raises(kind) as raised:
        await chat().complete(ask(), on_text=listen)

    assert type(raised.value) is kind
    assert raised.value.provider == "llm"


@pytest.mark.parametrize(
    ("provider", "setting"), [("llm", "LLM_API_KEY"), ("openai", "OPENAI_API_KEY")]
)
async def test_a_refused_key_names_its_setting_and_is_not_shown(
    server, chat, ask, canary, provider, setting
):
    server.say(*refusal(f"Incorrect API key provided: {canary}", 401, code="invalid_api_key"))

    with pytest.raises(AuthFailed, match=setting) as raised:
        await chat(provider).complete(ask())

    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    assert canary not in told
    assert "Who made it?" not in told


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(completion()).encode()[:-20],
        b"",
        b"<html>busy</html>",
        completion(choices=[]),
        completion(choices=None),
        completion(None),
        completion(""),
        completion("<think>only thoughts</think>"),
        {"choices": [{"index": 0}]},
        [],
        "text",
    ],
)
async def test_an_answer_that_cannot_be_read_is_malformed(server, chat, ask, body, canary):
    server.say(body)

    with pytest.raises(MalformedOutput) as raised:
        await chat().complete(ask())

    assert canary not in "".join(traceback.format_exception(raised.value))


async def test_an_answer_that_is_no_json_by_its_type_is_malformed(server, chat, ask):
    server.say(b"busy", headers={"Content-Type": "text/plain"})

    with pytest.raises(MalformedOutput):
        await chat().complete(ask())


@pytest.mark.parametrize(
    "body",
    [
        completion(None, message={"refusal": "I cannot."}),
        completion(None, finish_reason="content_filter"),
    ],
)
async def test_refused_content_is_told_as_that(server, chat, ask, body):
    server.say(body, headers={"x-ratelimit-remaining-requests": "3"})

    with pytest.raises(ContentRefused) as raised:
        await chat().complete(ask())

    assert raised.value.allowances[0].remaining == 3.0


@pytest.mark.parametrize("text", ["Ada di", ""])
async def test_an_answer_that_was_cut_says_so(server, chat, ask, text):
    server.say(completion(text, finish_reason="length"))

    answer = (await chat().complete(ask())).value

    assert (answer.text, answer.finish) == (text, Finish.LENGTH)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_key_does_not_go_along_to_another_address(server, chat, ask, streamed):
    server.say({}, 307, {"Location": f"{server.address}/elsewhere"})
    server.say(completion())
    listen = (lambda _text: None) if streamed else None

    with pytest.raises(CallError):
        await chat().complete(ask(), on_text=listen)

    assert server.paths == ["POST /v1/chat/completions"]


async def test_a_stream_that_ends_without_an_end_is_malformed(server, chat, ask):
    server.stream(chunk("Ada"), chunk(" di"))

    with pytest.raises(MalformedOutput):
        await chat().complete(ask(), on_text=lambda _text: None)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_connection_that_breaks_is_told_as_that(server, chat, ask, streamed):
    server.stream(chunk("Ada"), cut=True)
    listen = (lambda _text: None) if streamed else None

    with pytest.raises(NetworkFailed):
        await chat().complete(ask(), on_text=listen)


async def test_an_error_within_a_stream_is_told_as_what_it_means(server, chat, ask):
    server.stream(chunk("Ada"), b'data: {"error": {"message": "x", "type": "odd"}}\n\n')
    server.stream(chunk("Ada"), b'data: {"error": {"message": "x", "code": "server_error"}}\n\n')
    model = chat()

    for _ in range(2):
        with pytest.raises(ProviderDown):
            await model.complete(ask(), on_text=lambda _text: None)


async def test_a_line_of_a_stream_that_is_no_json_is_malformed(server, chat, ask):
    server.stream(chunk("Ada"), b'data: {"choices": [\n\n')

    with pytest.raises(MalformedOutput):
        await chat().complete(ask(), on_text=lambda _text: None)


async def test_an_answer_that_does_not_come_is_a_timeout(server, endpoint, ask):
    server.stream(chunk("Ada"), wait_s=5.0)
    clients = HttpClients(timeout_s=0.2)

    try:
        model = OpenAIService(endpoint("llm", PATH), clients).chat("m")
        with pytest.raises(CallTimeout):
            await model.complete(ask(), on_text=lambda _text: None)
    finally:
        await clients.aclose()


async def test_a_caller_who_waits_no_longer_leaves_the_client_usable(server, chat, ask):
    server.stream(*[chunk("drip ")] * 50, wait_s=0.05)
    server.say(completion())
    model = chat()
    shown: list[str] = []

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.0):
            await model.complete(ask(), on_text=shown.append)

    assert shown
    assert (await model.complete(ask())).value.text == "Ada did."


async def test_an_address_where_nobody_is_fails_as_a_connection(clients, ask):
    endpoint = Endpoint(provider="llm", base_url="http://127.0.0.1:9/v1")

    with pytest.raises(NetworkFailed, match="takes no connection"):
        await OpenAIService(endpoint, clients).chat("m").complete(ask())


async def test_vectors_come_in_the_order_of_their_texts(server, endpoint, clients):
    rows = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0]}]
    server.say({"data": rows, "usage": {"prompt_tokens": 4, "total_tokens": 4}})
    model = OpenAIService(endpoint("llm", PATH), clients).embeddings("e")

    reply = await model.embed(["a", "b"])

    assert reply.value.vectors == ((1.0, 0.0), (0.0, 1.0))
    assert reply.usage.input_tokens == 4
    assert server.asked[0] == {"model": "e", "input": ["a", "b"], "encoding_format": "float"}


@pytest.mark.parametrize(
    "data",
    [
        [],
        None,
        [{"embedding": [1.0]}],
        [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}],
        [{"embedding": [1.0]}, {"embedding": ["x"]}],
        [{"embedding": [1.0]}, {"embedding": [10**400]}],
        [{"embedding": []}, {"embedding": []}],
    ],
)
async def test_other_vectors_than_asked_for_are_malformed(server, endpoint, clients, data):
    server.say({"data": data})
    model = OpenAIService(endpoint("llm", PATH), clients).embeddings("e")

    with pytest.raises(MalformedOutput):
        await model.embed(["a", "b"])


async def test_tokens_of_vectors_that_are_not_told_are_estimated(server, endpoint, clients):
    server.say({"data": [{"embedding": [1.0]}]})
    model = OpenAIService(endpoint("llm", PATH), clients).embeddings("e")

    assert (await model.embed(["some words"])).usage.input_tokens == estimate_tokens("some words")


@pytest.mark.parametrize(
    ("base", "options", "most"),
    [
        ("https://api.openai.com/v1", {}, 256),
        ("http://localhost:1/v1", {}, 32),
        ("http://localhost:1/v1", {"max_batch": 7}, 7),
    ],
)
def test_how_many_texts_go_at_once_is_bounded(base, options, most):
    endpoint = Endpoint(provider="llm", base_url=base, options=options)

    assert OpenAIService(endpoint, HttpClients()).embeddings("e").max_batch == most


async def test_a_key_that_is_taken_tells_models_and_what_is_left(server, endpoint, clients):
    left = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "42"}
    server.say({"data": [{"id": "m-1"}, {"id": "m-2"}, {"odd": 1}]}, headers=left)

    test = await OpenAIService(endpoint("llm", PATH), clients).test_key()

    assert test.valid
    assert test.models == ("m-1", "m-2")
    assert test.remaining == "42 of 60 requests a minute"
    assert server.paths == ["GET /v1/models"]


async def test_a_key_that_is_refused_is_not_valid(server, endpoint, clients, canary):
    server.say({"error": {"message": canary}}, 401)

    test = await OpenAIService(endpoint("llm", PATH), clients).test_key()

    assert not test.valid
    assert "LLM_API_KEY" in test.detail
    assert canary not in repr(test)


async def test_a_server_without_a_list_of_models_takes_the_key(server, endpoint, clients):
    server.say({}, 404)

    assert (await OpenAIService(endpoint("llm", PATH), clients).test_key()).valid


async def test_a_dead_server_tells_nothing_of_the_key(server, endpoint, clients):
    server.say({}, 503)

    with pytest.raises(ProviderDown):
        await OpenAIService(endpoint("llm", PATH), clients).test_key()


@pytest.mark.parametrize(
    "name", ["openai:SPEC", "openai:GENERIC", "anthropic:SPEC", "ollama:SPEC", "triton:SPEC"]
)
def test_the_provider_is_there_without_loading_its_library(name):
    module, _, spec = name.partition(":")
    program = (
        f"import sys; from wiseflow.providers.{module} import {spec} as s; print(s.name);"
        "assert not {'openai', 'anthropic', 'pydantic_ai', 'genai_prices'} & set(sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    entry = EntryPoint(
        name=done.stdout.strip(), value=f"wiseflow.providers.{name}", group="wiseflow.providers"
    )
    assert Registry([entry]).spec(entry.name).about


async def test_without_the_library_the_command_that_installs_it_is_told(chat, ask, monkeypatch):
    monkeypatch.delitem(sys.modules, "wiseflow.providers.openai_library", raising=False)
    monkeypatch.setitem(sys.modules, "openai", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'wiseflow\[models\]'"):
        await chat().complete(ask())
