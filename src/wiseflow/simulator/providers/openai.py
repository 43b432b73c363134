"""OpenAI's API: chat, embeddings, models; and the same as Triton's front speaks it.

Source: OpenAI API reference, "Chat", "Embeddings", "Models".
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wiseflow.simulator.calls import Call, CallKind, Incoming, Prompt, Reply, count_tokens, encode
from wiseflow.simulator.problems import Problem, ProblemKind, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.messages import (
    checked_number,
    conversation,
    ends_with,
    event,
    fields_of,
    pieces,
    reply_of,
    required,
    texts_of,
    tools_of,
    vector,
    whole_number,
)
from wiseflow.simulator.rate_headers import no_headers, openai_headers
from wiseflow.simulator.writer import Written

EVENTS = "text/event-stream"
MADE = 1_700_000_000  # when every model was made, in seconds since the epoch

# Kind of problem → (type, code) in the error's body.
WORDS: Mapping[ProblemKind, tuple[str, str | None]] = {
    ProblemKind.BAD_REQUEST: ("invalid_request_error", None),
    ProblemKind.KEY_INVALID: ("invalid_request_error", "invalid_api_key"),
    ProblemKind.QUOTA_SPENT: ("insufficient_quota", "insufficient_quota"),
    ProblemKind.MODEL_UNKNOWN: ("invalid_request_error", "model_not_found"),
    ProblemKind.CONTEXT_LENGTH: ("invalid_request_error", "context_length_exceeded"),
    ProblemKind.NOT_FOUND: ("invalid_request_error", None),
    ProblemKind.RATE_LIMITED: ("requests", "rate_limit_exceeded"),
    ProblemKind.SERVER_ERROR: ("server_error", None),
    ProblemKind.UNAVAILABLE: ("server_error", None),
}


def problem(found: Problem) -> Reply:
    """An error in OpenAI's words."""
    kind, code = WORDS[found.kind]
    if found.dimension:
        kind = found.dimension
    error = {"message": found.message, "type": kind, "param": None, "code": code}
    return error_reply(found.status, {"error": error})


def read_chat(incoming: Incoming) -> Call:
    """What a request for a chat completion asks for."""
    model = required(incoming, "model")
    body = incoming.body
    text = conversation(body.get("messages"))
    longest = checked_number(body.get("max_completion_tokens"), "max_completion_tokens")
    schema, as_json = _response_format(body)
    choice = body.get("tool_choice")
    tools = () if choice == "none" else tools_of(body.get("tools"))
    if choice != "required" and ends_with(body["messages"], "tool"):
        tools = ()  # it has what the tool found: now it answers
    prompt = Prompt(
        text=text,
        schema=schema,
        tools=tools,
        forced=fields_of(fields_of(choice).get("function")).get("name", ""),
        max_tokens=longest or whole_number(incoming, "max_tokens"),
        as_json=as_json,
    )
    return Call(
        kind=CallKind.MODEL,
        model=model,
        prompts=(prompt,),
        stream=bool(body.get("stream")),
        tokens_in=count_tokens(text),
    )


def _response_format(body: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, bool]:
    wanted = fields_of(body.get("response_format"))
    if wanted.get("type") == "json_schema":
        return fields_of(fields_of(wanted.get("json_schema")).get("schema")) or None, True
    return None, wanted.get("type") == "json_object"


def answer_chat(call: Call, desk: Desk) -> Reply:
    """A chat completion, whole or in parts."""
    written = desk.write(call.prompts[0])
    if call.stream:
        return reply_of(written, chunks=_stream(call, desk, written), content_type=EVENTS)
    choices = [] if desk.empty else [_choice(desk, written)]
    body = {
        **_head(call, desk, "chat.completion"),
        "choices": choices,
        "usage": _usage(written),
        "system_fingerprint": "fp_simulator",
    }
    return reply_of(written, body=body)


def _head(call: Call, desk: Desk, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{desk.number}",
        "object": kind,
        "created": int(desk.wall),
        "model": call.model,
    }


def _usage(written: Written) -> dict[str, Any]:
    return {
        "prompt_tokens": written.tokens_in,
        "completion_tokens": written.tokens_out,
        "total_tokens": written.tokens_in + written.tokens_out,
    }


def _choice(desk: Desk, written: Written) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if written.tool or written.refused else written.text,
        "refusal": written.text if written.refused else None,
    }
    if written.tool:
        message["tool_calls"] = _tool_calls(desk, written)
    reason = _finish(written)
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}


def _finish(written: Written) -> str:
    if written.cut:
        return "length"
    return "tool_calls" if written.tool else "stop"


def _tool_calls(desk: Desk, written: Written) -> list[dict[str, Any]]:
    function = {"name": written.tool, "arguments": written.text}
    return [{"id": f"call_{desk.number}", "type": "function", "function": function}]


def _stream(call: Call, desk: Desk, written: Written) -> Iterator[bytes]:
    head = _head(call, desk, "chat.completion.chunk")
    if not desk.empty:
        for delta in _deltas(desk, written):
            yield event({**head, "choices": [_part(delta, None)]})
        yield event({**head, "choices": [_part({}, _finish(written))]})
    if fields_of(desk.incoming.body.get("stream_options")).get("include_usage"):
        yield event({**head, "choices": [], "usage": _usage(written)})
    yield b"data: [DONE]\n\n"


def _part(delta: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _deltas(desk: Desk, written: Written) -> Iterator[dict[str, Any]]:
    size = desk.shop.options.chunk_tokens
    yield {"role": "assistant", "content": None if written.tool else ""}
    if written.tool:
        first = _tool_calls(desk, written)[0]
        first["function"]["arguments"] = ""
        yield {"tool_calls": [{"index": 0, **first}]}
        for piece in pieces(written.text, size):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
        return
    name = "refusal" if written.refused else "content"
    for piece in pieces(written.text, size):
        yield {name: piece}


def read_embeddings(incoming: Incoming) -> Call:
    """What a request for embeddings asks for."""
    model = required(incoming, "model")
    texts = texts_of(incoming.body.get("input"))
    tokens = sum(map(count_tokens, texts))
    return Call(kind=CallKind.EMBED, model=model, texts=texts, tokens_in=tokens)


def answer_embeddings(call: Call, desk: Desk) -> Reply:
    """Vectors, as numbers or in base64."""
    size = whole_number(desk.incoming, "dimensions", desk.shop.options.embedding_size) or 1
    packed = desk.incoming.body.get("encoding_format") == "base64"
    data: list[dict[str, Any]] = []
    for number, text in enumerate(() if desk.empty else call.texts):
        numbers = vector(text, size)
        shown = base64.b64encode(numbers.tobytes()).decode() if packed else numbers.tolist()
        data.append({"object": "embedding", "index": number, "embedding": shown})
    usage = {"prompt_tokens": call.tokens_in, "total_tokens": call.tokens_in}
    body = {"object": "list", "data": data, "model": call.model, "usage": usage}
    return Reply(body=encode(body), tokens_in=call.tokens_in)


def read_models(incoming: Incoming) -> Call:
    """A look at the list of models."""
    return Call(kind=CallKind.INFO, model=incoming.parts.get("model", ""))


def answer_models(call: Call, desk: Desk) -> Reply:  # noqa: ARG001 - as the others
    """The list of models."""
    data = [_model(name) for name in desk.shop.options.model_names()]
    return Reply(body=encode({"object": "list", "data": data}))


def answer_model(call: Call, desk: Desk) -> Reply:
    """One model."""
    if desk.shop.options.model(call.model) is None:
        message = f"The model '{call.model}' does not exist"
        return problem(Problem(kind=ProblemKind.MODEL_UNKNOWN, message=message))
    return Reply(body=encode(_model(call.model)))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": MADE, "owned_by": "simulator"}


def endpoints() -> Sequence[Endpoint]:
    """The paths, for each provider that speaks so."""
    return (
        Endpoint(method="POST", path="/chat/completions", read=read_chat, answer=answer_chat),
        Endpoint(method="POST", path="/embeddings", read=read_embeddings, answer=answer_embeddings),
        Endpoint(method="GET", path="/models", read=read_models, answer=answer_models),
        Endpoint(method="GET", path="/models/{model}", read=read_models, answer=answer_model),
    )


OPENAI = Provider(
    name="openai",
    prefix="/openai/v1",
    endpoints=tuple(endpoints()),
    problem=problem,
    settings={"LLM_API_BASE": "", "OPENAI_API_BASE": ""},
    rate_headers=openai_headers,
)
TRITON_OPENAI = Provider(
    name="triton-openai",
    prefix="/triton-openai/v1",
    endpoints=tuple(endpoints()),
    problem=problem,
    rate_headers=no_headers,
    keyed=False,
)
