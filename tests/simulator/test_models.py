"""The model protocols, by the real clients where there are some."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate
from wiseflow.simulator.limits import Dimension, Limit
from wiseflow.simulator.options import Model

LOOK = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
MESSAGES: list[Any] = [{"role": "user", "content": "Tell me about bees."}]
TOKENS = 1000
NO_SCHEMA = (
    b'{"model": "m", "messages": [{"role": "user"}], "response_format": {"type": "json_schema", '
    b'"json_schema": {"schema": {"type": "array", "minItems": "x"}}}}'
)


class Plan(BaseModel):
    title: str
    sections: list[str]


@pytest.fixture
async def gpt(sim) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=sim.url("openai"), api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(sim) -> AsyncGenerator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=sim.url("anthropic"), api_key="k", max_retries=0
    ) as client:
        yield client


# OpenAI.


async def test_a_streamed_completion_is_the_whole_one_in_parts(gpt):
    whole = await gpt.chat.completions.create(model="m", messages=MESSAGES)
    text, usage, parts = "", None, 0
    async for part in await gpt.chat.completions.create(
        model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ):
        usage, parts = part.usage, parts + 1
        text += (part.choices[0].delta.content or "") if part.choices else ""

    assert text == whole.choices[0].message.content
    assert usage == whole.usage
    assert parts > 5


async def test_openai_parses_an_answer_to_a_schema(gpt):
    found = await gpt.chat.completions.parse(model="m", messages=MESSAGES, response_format=Plan)

    assert len(found.choices[0].message.parsed.sections) == 4


async def test_openai_tools_are_called_and_then_the_model_answers(gpt):
    tools = [{"type": "function", "function": {"name": "look", "parameters": LOOK}}]
    asked = await gpt.chat.completions.create(model="m", messages=MESSAGES, tools=tools)
    call = asked.choices[0].message.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": "A meadow."}
    said = [*MESSAGES, asked.choices[0].message.model_dump(exclude_none=True), result]
    answer = await gpt.chat.completions.create(model="m", messages=said, tools=tools)
    parts = await gpt.chat.completions.create(
        model="m", messages=MESSAGES, tools=tools, stream=True, tool_choice="required"
    )
    given = ""
    async for part in parts:
        for piece in part.choices[0].delta.tool_calls or ():
            given += piece.function.arguments

    assert asked.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments)["place"]
    assert answer.choices[0].message.content
    assert given == call.function.arguments


async def test_openai_embeddings_are_equal_for_equal_texts_and_near_for_like_ones(gpt):
    found = await gpt.embeddings.create(
        model="e", input=["red bees fly", "red bees sleep", "wet stone"], dimensions=64
    )
    plain = await gpt.embeddings.create(
        model="e", input="red bees fly", dimensions=64, encoding_format="float"
    )
    one, like, other = (item.embedding for item in found.data)

    def nearness(left, right):
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert plain.data[0].embedding == pytest.approx(one)
    assert nearness(one, one) == pytest.approx(1)
    assert nearness(one, like) > nearness(one, other)


async def test_openai_lists_its_models(gpt):
    listed = [one.id async for one in gpt.models.list()]

    assert (await gpt.models.retrieve(listed[0])).id == listed[0]


async def test_a_model_that_is_not_listed_is_unknown(start, chat, client):
    sim = await start(models=(Model(name="known"),))
    answer = await chat(sim, model="other")
    looked = await client.get(f"{sim.url('openai')}/models/other")

    assert (answer.status_code, looked.status_code) == (404, 404)
    assert answer.json()["error"]["code"] == "model_not_found"
    assert (await chat(sim, model="known")).status_code == 200


async def test_a_prompt_and_its_answer_must_fit_the_models_context(start, chat):
    sim = await start(models=(Model(name="m", context=100),))

    assert (await chat(sim, "x" * 200, max_tokens=50)).status_code == 200
    refused = await chat(sim, "x" * 200, max_tokens=51)
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "context_length_exceeded"


async def test_openai_headers_tell_how_the_limits_stand(start, chat):
    limits = tuple(
        Limit(dimension=one, amount=TOKENS) for one in (Dimension.REQUESTS, Dimension.TOKENS)
    )
    sim = await start(limits=limits)
    answer = await chat(sim)
    used = answer.json()["usage"]["total_tokens"]

    assert answer.headers["x-ratelimit-limit-requests"] == str(TOKENS)
    assert answer.headers["x-ratelimit-remaining-requests"] == str(TOKENS - 1)
    assert answer.headers["x-ratelimit-remaining-tokens"] == str(TOKENS - used)
    assert answer.headers["x-ratelimit-reset-tokens"].endswith("s")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"model": "m", "messages": []}',
        b'{"model": "m", "messages": [{"content": "x"}]}',
        b'{"model": "m", "messages": [{"role": "user"}], "max_tokens": "many"}',
        b'{"model": "m", "messages": [{"role": "user"}], "tools": [{}]}',
        NO_SCHEMA,
    ],
)
async def test_what_is_not_of_openais_form_is_refused_with_a_reason(sim, client, body):
    answer = await client.post(sim.url("openai") + "/chat/completions", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


# Anthropic.


async def test_a_streamed_message_is_the_whole_one_in_parts(claude):
    asked = {"model": "m", "max_tokens": TOKENS, "messages": MESSAGES, "system": "Be brief."}
    whole = await claude.messages.create(**asked)
    async with claude.messages.stream(**asked) as stream:
        final = await stream.get_final_message()

    assert final.content[0].text == whole.content[0].text
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert whole.stop_reason == final.stop_reason == "end_turn"


async def test_anthropic_tools_are_called_and_then_the_model_answers(claude):
    tools = [{"name": "look", "input_schema": LOOK}]
    asked = {"model": "m", "max_tokens": TOKENS, "tools": tools}
    message = await claude.messages.create(messages=MESSAGES, **asked)
    async with claude.messages.stream(messages=MESSAGES, **asked) as stream:
        streamed = await stream.get_final_message()
    call = message.content[0]
    found = {"type": "tool_result", "tool_use_id": call.id, "content": "A meadow."}
    said = [
        *MESSAGES,
        {"role": "assistant", "content": [call.model_dump(exclude_none=True)]},
        {"role": "user", "content": [found]},
    ]
    answer = await claude.messages.create(messages=said, **asked)

    assert message.stop_reason == "tool_use"
    assert call.input["place"] == streamed.content[0].input["place"]
    assert answer.content[0].type == "text"


async def test_anthropic_follows_a_schema_and_counts_and_lists(claude, sim, client):
    schema = {"type": "json_schema", "schema": Plan.model_json_schema()}
    wanted = {"output_config": {"format": schema}}
    body = {"model": "m", "max_tokens": 500, "messages": MESSAGES, **wanted}
    answer = await client.post(sim.url("anthropic") + "/v1/messages", json=body)
    count = await claude.messages.count_tokens(model="m", messages=MESSAGES)

    assert Plan.model_validate_json(answer.json()["content"][0]["text"])
    assert count.input_tokens == 5
    assert (await claude.models.list()).data


async def test_anthropic_errors_are_of_their_kinds(sim, claude):
    asked = {"model": "m", "max_tokens": 10, "messages": MESSAGES}
    for kind, error in (
        (FaultKind.RATE_LIMITED, anthropic.RateLimitError),
        (FaultKind.KEY_EXPIRED, anthropic.AuthenticationError),
        (FaultKind.UNAVAILABLE, anthropic.InternalServerError),
        (FaultKind.CONTEXT_LENGTH, anthropic.BadRequestError),
    ):
        sim.set_faults(FaultPlan(rates=(FaultRate(kind=kind, rate=1),)))
        with pytest.raises(error):
            await claude.messages.create(**asked)


async def test_anthropic_says_when_it_refuses_or_is_cut_or_has_nothing(sim, claude):
    asked = {"model": "m", "max_tokens": 5, "messages": MESSAGES}
    cut = await claude.messages.create(**asked)
    sim.set_faults(FaultPlan(rates=(FaultRate(kind=FaultKind.REFUSAL, rate=1),)))
    refused = await claude.messages.create(**asked)
    sim.set_faults(FaultPlan(rates=(FaultRate(kind=FaultKind.EMPTY, rate=1),)))
    async with claude.messages.stream(**asked) as stream:
        empty = await stream.get_final_message()

    assert (cut.stop_reason, refused.stop_reason) == ("max_tokens", "refusal")
    assert empty.content == []


async def test_anthropic_headers_tell_how_the_limits_stand(start, client):
    sim = await start(limits=(Limit(dimension=Dimension.REQUESTS, amount=9),))
    url = sim.url("anthropic") + "/v1/messages"
    answer = await client.post(url, json={"model": "m", "max_tokens": 9, "messages": MESSAGES})
    wrong = await client.post(url, json={"model": "m", "messages": MESSAGES})

    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "8"
    assert answer.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert wrong.status_code == 400


# Ollama.


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("chat", {"messages": MESSAGES}, lambda line: line["message"]["content"]),
        ("generate", {"prompt": "Tell me about bees."}, lambda line: line["response"]),
    ],
)
async def test_ollama_streams_lines_that_make_the_whole(sim, client, path, body, said):
    url = f"{sim.url('ollama')}/api/{path}"
    lines = (await client.post(url, json={"model": "m", **body})).text.splitlines()
    whole = (await client.post(url, json={"model": "m", "stream": False, **body})).json()
    parts = [json.loads(line) for line in lines]

    assert "".join(map(said, parts)) == said(whole)
    assert [part["done"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1]["eval_count"] == whole["eval_count"]


async def test_ollama_cuts_a_prompt_to_num_ctx_without_a_word(sim, client):
    passages = "\n".join(f"[p{n}] The number {n} is told in this passage." for n in range(100))
    body = {"model": "m", "stream": False, "prompt": passages, "options": {"num_ctx": 100}}
    answer = (await client.post(f"{sim.url('ollama')}/api/generate", json=body)).json()

    assert answer["prompt_eval_count"] == 100
    assert "[p1]" not in answer["response"]
    assert "[p99]" in answer["response"]


async def test_ollama_follows_formats_and_calls_tools(sim, client):
    url = f"{sim.url('ollama')}/api/chat"
    tools = [{"type": "function", "function": {"name": "look", "parameters": LOOK}}]
    body = {"model": "m", "stream": False, "messages": MESSAGES}
    planned = await client.post(url, json={**body, "format": Plan.model_json_schema()})
    loose = await client.post(url, json={**body, "format": "json"})
    called = await client.post(url, json={**body, "tools": tools})
    cut = await client.post(url, json={**body, "tools": tools, "options": {"num_predict": 1}})
    said = [*MESSAGES, {"role": "tool", "content": "A meadow."}]
    answered = await client.post(url, json={**body, "messages": said, "tools": tools})

    assert Plan.model_validate_json(planned.json()["message"]["content"])
    assert json.loads(loose.json()["message"]["content"])
    assert called.json()["message"]["tool_calls"][0]["function"]["arguments"]["place"]
    assert cut.json()["message"]["tool_calls"][0]["function"]["arguments"] == {}
    assert answered.json()["message"]["content"]


async def test_ollama_tells_its_models_its_version_and_its_errors(sim, client):
    base = sim.url("ollama")
    vectors = await client.post(f"{base}/api/embed", json={"model": "e", "input": ["a", "b"]})
    sim.set_faults(FaultPlan(rates=(FaultRate(kind=FaultKind.UNAVAILABLE, rate=1),)))
    busy = await client.post(f"{base}/api/chat", json={"model": "m", "messages": MESSAGES})
    sim.set_faults(FaultPlan(rates=(FaultRate(kind=FaultKind.EMPTY, rate=1),)))
    empty = await client.post(f"{base}/api/chat", json={"model": "m", "messages": MESSAGES})

    assert len(vectors.json()["embeddings"]) == 2
    assert (await client.get(f"{base}/api/tags")).json()["models"]
    assert (await client.get(f"{base}/api/version")).json()["version"]
    assert "busy" in busy.json()["error"]
    assert len(empty.text.splitlines()) == 1


# Triton.


async def test_triton_infers_a_text_for_each_of_a_batch(sim, client):
    tensor = {"name": "text_input", "datatype": "BYTES", "shape": [2, 1], "data": [["a"], ["b"]]}
    length = {"name": "max_tokens", "datatype": "INT32", "shape": [1], "data": [7]}
    url = f"{sim.url('triton')}/v2/models/m/infer"
    answer = (await client.post(url, json={"id": "1", "inputs": [tensor, length]})).json()
    output = answer["outputs"][0]

    assert answer["id"] == "1"
    assert output["shape"] == [2]
    assert all(0 < len(text) <= 28 for text in output["data"])


async def test_triton_generates_whole_and_in_parts(sim, client):
    base = f"{sim.url('triton')}/v2/models/m"
    body = {"text_input": "Tell me about bees.", "parameters": {"max_tokens": 50}}
    whole = (await client.post(f"{base}/generate", json=body)).json()["text_output"]
    events = (await client.post(f"{base}/generate_stream", json=body)).text.split("\n\n")
    parts = [json.loads(one.removeprefix("data: "))["text_output"] for one in events if one]

    assert "".join(parts) == whole
    assert len(parts) > 2


async def test_triton_is_ready_and_tells_of_itself(start, client):
    sim = await start(models=(Model(name="m"),))
    base = sim.url("triton") + "/v2"
    paths = ("", "/health/live", "/health/ready", "/models/m", "/models/m/ready")
    statuses = [(await client.get(base + path)).status_code for path in paths]

    assert statuses == [200] * 5
    for path in ("/models/x", "/models/x/ready"):
        assert (await client.get(base + path)).status_code == 404
    unknown = await client.post(f"{base}/models/x/generate", json={"text_input": "a"})
    assert unknown.status_code == 404


@pytest.mark.parametrize("inputs", [None, [{"name": "text_input"}], [{"data": ["a"]}], 5])
async def test_triton_refuses_what_has_no_text(sim, client, inputs):
    url = f"{sim.url('triton')}/v2/models/m/infer"
    answer = await client.post(url, json={"inputs": inputs})

    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_tritons_front_speaks_as_openai_does(sim):
    async with openai.AsyncOpenAI(
        base_url=sim.url("triton-openai"), api_key="none", max_retries=0
    ) as client:
        answer = await client.chat.completions.create(model="m", messages=MESSAGES)

    assert answer.choices[0].message.content
    assert sim.log.entries[0].provider == "triton-openai"
