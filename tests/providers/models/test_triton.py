from __future__ import annotations

import json

import pytest

from wiseflow.core.errors import (
    BadRequest,
    ConfigurationError,
    MalformedOutput,
    ModelMissing,
    ProviderDown,
)
from wiseflow.providers.triton import TritonService
from wiseflow.providers.triton_native import Protocol
from wiseflow.text.tokens import estimate_request, estimate_tokens

NATIVE = {"name": "triton", "version": "2.60.0"}
NOTHING = {"error": "Not Found"}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Ada did."},
            "finish_reason": "stop",
        }
    ],
}


def output(text: object) -> dict[str, object]:
    data = [[text]]
    return {
        "outputs": [{"name": "text_output", "datatype": "BYTES", "shape": [1, 1], "data": data}]
    }


def event(**fields) -> bytes:
    return f"data: {json.dumps(fields)}\n\n".encode()


@pytest.fixture
def service(endpoint, clients):
    def make(protocol: str = "", path: str = "") -> TritonService:
        given = endpoint("triton", path, api_key="", options={"protocol": protocol})
        return TritonService(given, clients)

    return make


@pytest.mark.parametrize("path", ["", "/v1", "/v2/"])
async def test_the_own_protocol_is_found_out_once(server, service, ask, path):
    server.say(NATIVE)
    server.say({"text_output": "Ada did."})
    model = service(path=path).chat("m")
    request = ask("Who?")

    reply = await model.complete(request)
    await model.complete(request)

    assert server.paths == ["GET /v2", *["POST /v2/models/m/generate"] * 2]
    assert server.asked[1] == {
        "text_input": "Who?",
        "max_tokens": 200,
        "temperature": 0.0,
        "stream": False,
    }
    assert reply.value.text == "Ada did."
    assert reply.usage.input_tokens == estimate_request(request)
    assert reply.usage.output_tokens == estimate_tokens("Ada did.")


async def test_the_front_end_like_openais_is_found_out_once(server, service, ask):
    server.say(NOTHING, 404)
    server.say(COMPLETION)
    model = service().chat("m")

    reply = await model.complete(ask())
    await model.complete(ask())

    assert server.paths == ["GET /v2", *["POST /v1/chat/completions"] * 2]
    assert reply.value.text == "Ada did."


async def test_a_server_that_is_not_there_yet_is_asked_again(server, service, ask):
    server.say({}, 503)
    server.say(NATIVE)
    server.say({"text_output": "Ada"})
    model = service().chat("m")

    with pytest.raises(ProviderDown):
        await model.complete(ask())

    assert (await model.complete(ask())).value.text == "Ada"


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_protocol_that_is_set_is_not_asked_for(server, service, protocol):
    assert await service(protocol.upper()).protocol() is protocol
    assert not server.paths


def test_a_protocol_that_is_none_is_told_with_those_that_are(service):
    with pytest.raises(ConfigurationError, match="openai, generate, infer"):
        service("grpc")


async def test_a_conversation_is_one_text(server, service, ask, schema):
    server.say({"text_output": "{}"})

    await service("generate").chat("m").complete(ask(schema=schema))

    said = server.asked[0]["text_input"]
    assert said.startswith("System: You are careful.\n\nUser: Who made it?")
    assert "made_by" in said
    assert said.endswith("\n\nAssistant:")


async def test_a_prompt_that_is_repeated_is_left_out(server, service, ask):
    server.say({"text_output": "Who?Ada did."})

    reply = await service("generate").chat("m").complete(ask("Who?"))

    assert reply.value.text == "Ada did."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (["Ada ", "did."], ["Ada ", "did."]),
        (["Wh", "o?Ada ", "did."], ["Ada ", "did."]),
        (["<think>x</think>", "Ada"], ["Ada"]),
        (["Wh"], ["Wh"]),
    ],
)
async def test_a_streamed_answer_is_shown_as_it_comes(server, service, ask, said, shown):
    server.stream(*[event(text_output=text) for text in said], b": ping\n\n")
    heard: list[str] = []

    reply = await service("generate").chat("m").complete(ask("Who?"), on_text=heard.append)

    assert heard == shown
    assert reply.value.text == "".join(shown)
    assert server.paths == ["POST /v2/models/m/generate_stream"]


async def test_an_error_within_a_stream_is_told(server, service, ask):
    server.stream(event(text_output="Ada"), event(error="it broke"))

    with pytest.raises(ProviderDown):
        await service("generate").chat("m").complete(ask(), on_text=lambda _text: None)


async def test_tensors_are_those_that_the_model_has(server, service, ask):
    server.say(
        {
            "inputs": [
                {"name": "text_input", "datatype": "BYTES", "shape": [-1, 1]},
                {"name": "max_tokens", "datatype": "INT32", "shape": [1]},
                {"name": "sampling_parameters", "datatype": "BYTES", "shape": [1]},
                {"name": "bad_words", "datatype": "BYTES", "shape": [1]},
            ]
        }
    )
    server.say(output("Ada did."))
    model = service("infer").chat("m")
    shown: list[str] = []

    reply = await model.complete(ask("Who?"))
    await model.complete(ask("Who?"), on_text=shown.append)

    assert server.paths == ["GET /v2/models/m", *["POST /v2/models/m/infer"] * 2]
    text, bound, sampling = server.asked[1]["inputs"]
    assert text == {"name": "text_input", "datatype": "BYTES", "shape": [1, 1], "data": ["Who?"]}
    assert (bound["datatype"], bound["data"]) == ("INT32", [200])
    assert json.loads(sampling["data"][0]) == {"max_tokens": 200, "temperature": 0.0}
    assert (reply.value.text, shown) == ("Ada did.", ["Ada did."])


async def test_where_generate_is_not_known_infer_is_used_from_then_on(server, service, ask):
    server.say(NATIVE)
    server.say(NOTHING, 404)
    server.say({"inputs": [{"name": "text_input", "datatype": "BYTES", "shape": [-1]}]})
    server.say(output("Ada"))
    model = service().chat("m")

    await model.complete(ask())
    await model.complete(ask())

    ends = [path.rpartition("/")[2] for path in server.paths]
    assert ends == ["v2", "generate", "m", "infer", "infer"]


async def test_a_protocol_that_was_set_is_not_changed(server, service, ask):
    server.say(NOTHING, 404)

    with pytest.raises(BadRequest):
        await service("generate").chat("m").complete(ask())


async def test_a_model_that_is_not_there_is_told(server, service, ask):
    server.say(NATIVE)
    server.say({"error": "Request for unknown model: 'm' is not found"}, 400)

    with pytest.raises(ModelMissing):
        await service().chat("m").complete(ask())


@pytest.mark.parametrize("protocol", ["generate", "infer"])
@pytest.mark.parametrize("body", [{}, [], {"text_output": ""}, {"outputs": []}])
async def test_an_answer_without_a_text_is_malformed(server, service, ask, protocol, body):
    server.say(body)

    with pytest.raises(MalformedOutput):
        await service(protocol).chat("m").complete(ask())


async def test_vectors_are_of_the_front_end_like_openais(server, service):
    server.say({"data": [{"embedding": [1.0]}]})

    await service().embeddings("e").embed(["a"])

    assert server.paths == ["POST /v1/embeddings"]


async def test_the_test_of_a_key_names_the_models(server, service):
    server.say([{"name": "m", "state": "READY"}])

    test = await service("generate").test_key()

    assert (test.valid, test.models) == (True, ("m",))


async def test_a_server_that_lists_no_models_is_tested_all_the_same(server, service):
    server.say(NOTHING, 404)
    server.say(NATIVE)

    assert (await service("infer").test_key()).valid


async def test_the_front_end_like_openais_is_tested_by_its_models(server, service):
    server.say({"data": [{"id": "m"}]})

    test = await service("openai").test_key()

    assert (test.models, server.paths) == (("m",), ["GET /v1/models"])
