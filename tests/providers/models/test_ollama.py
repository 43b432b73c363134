from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from wiseflow.core.asking import Finish
from wiseflow.core.errors import (
    AuthFailed,
    ContextTooLong,
    MalformedOutput,
    ModelMissing,
    NetworkFailed,
    ProviderDown,
)
from wiseflow.providers.http import MAX_ANSWER_BYTES
from wiseflow.providers.ollama import OllamaService, found
from wiseflow.text.tokens import estimate_request, estimate_tokens


def line(text: str = "", **others) -> bytes:
    body: dict[str, Any] = {
        "model": "llama",
        "message": {"role": "assistant", "content": text},
        "done": False,
        **others,
    }
    return json.dumps(body).encode() + b"\n"


def end(**others) -> bytes:
    counts = {"prompt_eval_count": 11, "eval_count": 3}
    given: dict[str, Any] = {"done": True, "done_reason": "stop", **counts, **others}
    return line(**given)


@pytest.fixture
def service(endpoint, clients):
    return lambda path="", **others: OllamaService(
        endpoint("ollama", path, **{"api_key": "", **others}), clients
    )


async def test_an_answer_comes_with_what_it_used(server, service, ask):
    server.stream(line("Ada "), line("did."), end())

    reply = await service().chat("llama").complete(ask())

    assert (reply.value.text, reply.value.model) == ("Ada did.", "llama")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 3)
    assert reply.value.finish is Finish.STOP


@pytest.mark.parametrize("path", ["", "/", "/v1", "/api"])
async def test_the_server_is_told_all_it_needs(server, service, ask, schema, path):
    server.stream(line("{}"), end())
    options = {"num_thread": 4, "keep_alive": "10m"}

    await (
        service(path, options=options)
        .chat("llama")
        .complete(ask("Who?", schema=schema, context_tokens=8192))
    )

    assert server.paths == ["POST /api/chat"]
    assert server.asked == [
        {
            "model": "llama",
            "messages": [{"role": "user", "content": "Who?"}],
            "stream": True,
            "truncate": False,
            "format": schema,
            "keep_alive": "10m",
            "options": {"num_predict": 200, "temperature": 0.0, "num_ctx": 8192, "num_thread": 4},
        }
    ]


async def test_what_is_not_set_is_left_to_the_server(server, service, ask):
    server.stream(line("Ada"), end())

    await service(options={"keep_alive": "", "num_thread": None}).chat("llama").complete(ask())

    assert server.asked[0]["options"] == {"num_predict": 200, "temperature": 0.0}
    assert "keep_alive" not in server.asked[0]
    assert "authorization" not in server.headers[0]


async def test_a_key_is_sent_where_there_is_one(server, service, ask):
    server.stream(line("Ada"), end())

    await service(api_key="key-of-a-proxy").chat("llama").complete(ask())

    assert server.headers[0]["authorization"] == "Bearer key-of-a-proxy"


async def test_an_answer_is_shown_as_it_comes_without_thoughts(server, service, ask):
    server.stream(line("<think>w"), line("hy</think>\n"), line("Ada"), line("\n<x"), end())
    shown: list[str] = []

    reply = await service().chat("llama").complete(ask(), on_text=shown.append)

    assert shown == ["Ada", "\n<x"]
    assert reply.value.text == "Ada\n<x"


async def test_use_that_is_not_told_is_estimated(server, service, ask):
    server.stream(line("Ada did."), end(prompt_eval_count=None))
    request = ask()

    usage = (await service().chat("llama").complete(request)).usage

    assert usage.input_tokens == estimate_request(request)
    assert usage.output_tokens == estimate_tokens("Ada did.")


async def test_an_answer_that_was_cut_says_so(server, service, ask):
    server.stream(line("Ada"), end(done_reason="length"))

    assert (await service().chat("llama").complete(ask())).value.finish is Finish.LENGTH


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (404, "model 'llama' not found", ModelMissing),
        (400, "the input length exceeds the context length", ContextTooLong),
        (401, "unauthorized", AuthFailed),
        (503, "server busy", ProviderDown),
    ],
)
async def test_a_status_is_told_as_what_it_means(server, service, ask, status, error, kind):
    server.say({"error": error}, status)

    with pytest.raises(kind):
        await service().chat("llama").complete(ask())


async def test_an_error_within_an_answer_is_told(server, service, ask):
    server.stream(line("Ada"), b'{"error": "llama runner process has terminated"}\n')

    with pytest.raises(ProviderDown):
        await service().chat("llama").complete(ask())


@pytest.mark.parametrize(
    "parts", [[line("Ada")], [line("Ada")[:-9]], [b"busy\n"], [b"[]\n"], [end()], [b""]]
)
async def test_an_answer_that_cannot_be_read_is_malformed(server, service, ask, parts):
    server.stream(*parts)

    with pytest.raises(MalformedOutput):
        await service().chat("llama").complete(ask())


async def test_an_endless_answer_is_given_up(server, service, ask, monkeypatch):
    monkeypatch.setattr("wiseflow.providers.streaming.MAX_ANSWER_BYTES", 300)
    assert MAX_ANSWER_BYTES > 300
    server.stream(*[line("Ada")] * 20)

    with pytest.raises(MalformedOutput, match="more than 300 bytes"):
        await service().chat("llama").complete(ask())


async def test_a_connection_that_breaks_is_told_as_that(server, service, ask):
    server.stream(line("Ada"), cut=True)

    with pytest.raises(NetworkFailed):
        await service().chat("llama").complete(ask())


async def test_a_caller_who_waits_no_longer_leaves_nothing_open(server, service, ask):
    server.stream(*[line("drip ")] * 50, wait_s=0.05)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await service().chat("llama").complete(ask())


async def test_vectors_come_in_the_order_of_their_texts(server, service):
    server.say({"embeddings": [[1.0, 0.0], [0.0, 1.0]], "prompt_eval_count": 4})
    server.say({"embeddings": [[1.0], [2.0]]})
    model = service(options={"keep_alive": 60, "max_batch": 9}).embeddings("e")

    told = await model.embed(["a", "b"])
    estimated = await model.embed(["some words", "b"])

    assert told.value.vectors == ((1.0, 0.0), (0.0, 1.0))
    assert told.usage.input_tokens == 4
    assert estimated.usage.input_tokens == estimate_tokens("some words") + 1
    assert server.asked[0] == {"model": "e", "input": ["a", "b"], "keep_alive": 60}
    assert (model.max_batch, service().embeddings("e").max_batch) == (9, 64)


async def test_vectors_that_are_missing_are_malformed(server, service):
    server.say({"embeddings": [[1.0]]})

    with pytest.raises(MalformedOutput):
        await service().embeddings("e").embed(["a", "b"])


async def test_the_context_of_a_model_is_told_by_the_server(server, service):
    server.say({"model_info": {"general.name": "x", "llama.context_length": 131072}})
    server.say({"model_info": {}})
    served = service()

    assert await served.context_tokens("llama") == 131_072
    assert await served.context_tokens("other") is None


async def test_the_test_of_a_key_names_the_models(server, service):
    server.say({"models": [{"name": "llama:8b"}, {"name": "qwen:4b"}]})

    test = await service().test_key()

    assert (test.valid, test.models) == (True, ("llama:8b", "qwen:4b"))


async def test_a_server_that_is_there_is_found(server, clients):
    server.say({"models": [{"name": "llama:8b"}]})

    assert await found(f"{server.address}/v1", clients=clients) == ("llama:8b",)


async def test_where_no_server_is_none_is_found_and_soon(server, clients):
    server.stream(b"{", wait_s=30.0)
    began = time.monotonic()

    nobody = await found("http://127.0.0.1:9", clients=clients)
    slow = await found(server.address, clients=clients)

    assert (nobody, slow) == ((), ())
    assert time.monotonic() - began < 5.0
