"""Anthropic's API: messages, counting of tokens, models.

Source: Anthropic API reference, "Messages", "Streaming messages", "Errors".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from wiseflow.simulator.calls import (
    Call,
    CallKind,
    Incoming,
    Prompt,
    Reply,
    Tool,
    count_tokens,
    encode,
)
from wiseflow.simulator.problems import Problem, ProblemKind, bad_request, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.messages import (
    conversation,
    elements_of,
    event,
    fields_of,
    pieces,
    reply_of,
    required,
    text_of,
    whole_number,
)
from wiseflow.simulator.rate_headers import anthropic_headers
from wiseflow.simulator.writer import Written

OVERLOADED = 529
# Kind of problem → (status, type) in the error's body.
WORDS: Mapping[ProblemKind, tuple[int, str]] = {
    ProblemKind.BAD_REQUEST: (400, "invalid_request_error"),
    ProblemKind.KEY_INVALID: (401, "authentication_error"),
    ProblemKind.QUOTA_SPENT: (400, "invalid_request_error"),
    ProblemKind.MODEL_UNKNOWN: (404, "not_found_error"),
    ProblemKind.CONTEXT_LENGTH: (400, "invalid_request_error"),
    ProblemKind.NOT_FOUND: (404, "not_found_error"),
    ProblemKind.RATE_LIMITED: (429, "rate_limit_error"),
    ProblemKind.SERVER_ERROR: (500, "api_error"),
    ProblemKind.UNAVAILABLE: (OVERLOADED, "overloaded_error"),
}
MESSAGES = {
    ProblemKind.QUOTA_SPENT: "Your credit balance is too low to access the Anthropic API",
    ProblemKind.UNAVAILABLE: "Overloaded",
}


def problem(found: Problem) -> Reply:
    """An error in Anthropic's words."""
    status, kind = WORDS[found.kind]
    message = MESSAGES.get(found.kind, found.message)
    if found.kind is ProblemKind.CONTEXT_LENGTH:
        message = f"prompt is too long: {message}"
    return error_reply(status, {"type": "error", "error": {"type": kind, "message": message}})


def read_messages(incoming: Incoming) -> Call:
    """What a request for a message asks for."""
    model = required(incoming, "model")
    body = incoming.body
    text = "\n\n".join(
        filter(None, (text_of(body.get("system")), conversation(body.get("messages"))))
    )
    prompt = Prompt(
        text=text,
        schema=_schema(body),
        tools=_tools(body),
        forced=fields_of(body.get("tool_choice")).get("name", ""),
        max_tokens=whole_number(incoming, "max_tokens"),
    )
    return Call(
        kind=CallKind.MODEL,
        model=model,
        prompts=(prompt,),
        stream=bool(body.get("stream")),
        tokens_in=count_tokens(text),
    )


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted = fields_of(body.get("output_config")).get("format") or body.get("output_format")
    return fields_of(fields_of(wanted).get("schema")) or None


def _tools(body: Mapping[str, Any]) -> tuple[Tool, ...]:
    choice = fields_of(body.get("tool_choice")).get("type", "auto")
    if choice == "none" or (
        choice == "auto" and _has_results(elements_of(body.get("messages"))[-1])
    ):
        return ()
    return tuple(
        Tool(name=str(one.get("name")), schema=fields_of(one["input_schema"]))
        for one in map(fields_of, elements_of(body.get("tools")))
        if "input_schema" in one  # others are tools of the server's own
    )


def _has_results(message: Any) -> bool:
    parts = elements_of(fields_of(message).get("content"))
    return any(fields_of(part).get("type") == "tool_result" for part in parts)


def answer_messages(call: Call, desk: Desk) -> Reply:
    """A message, whole or in parts."""
    if call.prompts[0].max_tokens is None:
        raise bad_request("max_tokens: Field required")
    written = desk.write(call.prompts[0])
    if call.stream:
        chunks = _stream(call, desk, written)
        return reply_of(written, chunks=chunks, content_type="text/event-stream")
    message = _message(call, desk, written)
    message["content"] = [] if desk.empty else [_block(desk, written)]
    return reply_of(written, body=message)


def _message(call: Call, desk: Desk, written: Written) -> dict[str, Any]:
    return {
        "id": f"msg_{desk.number}",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [],
        "stop_reason": _stop(written),
        "stop_sequence": None,
        "usage": {
            "input_tokens": written.tokens_in,
            "output_tokens": written.tokens_out,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
    }


def _stop(written: Written) -> str:
    if written.refused:
        return "refusal"
    if written.cut:
        return "max_tokens"
    return "tool_use" if written.tool else "end_turn"


def _block(desk: Desk, written: Written) -> dict[str, Any]:
    if not written.tool:
        return {"type": "text", "text": written.text}
    try:
        given = json.loads(written.text)
    except ValueError:  # it was cut
        given = {}
    return {"type": "tool_use", "id": f"toolu_{desk.number}", "name": written.tool, "input": given}


def _stream(call: Call, desk: Desk, written: Written) -> Iterator[bytes]:
    message = _message(call, desk, written)
    message["stop_reason"] = None
    message["usage"]["output_tokens"] = 1
    yield event({"type": "message_start", "message": message}, "message_start")
    yield event({"type": "ping"}, "ping")
    if not desk.empty:
        yield from _stream_block(desk, written)
    delta = {"stop_reason": _stop(written), "stop_sequence": None}
    usage = {"output_tokens": written.tokens_out}
    yield event({"type": "message_delta", "delta": delta, "usage": usage}, "message_delta")
    yield event({"type": "message_stop"}, "message_stop")


def _stream_block(desk: Desk, written: Written) -> Iterator[bytes]:
    block = _block(desk, written)
    block |= {"input": {}} if written.tool else {"text": ""}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    yield event(start, "content_block_start")
    kind, name = ("input_json_delta", "partial_json") if written.tool else ("text_delta", "text")
    for piece in pieces(written.text, desk.shop.options.chunk_tokens):
        delta = {"type": kind, name: piece}
        part = {"type": "content_block_delta", "index": 0, "delta": delta}
        yield event(part, "content_block_delta")
    yield event({"type": "content_block_stop", "index": 0}, "content_block_stop")


def answer_count(call: Call, desk: Desk) -> Reply:  # noqa: ARG001 - as the others
    """How many tokens a message would have."""
    return Reply(body=encode({"input_tokens": call.tokens_in}))


def read_count(incoming: Incoming) -> Call:
    """What a request to count tokens asks for."""
    asked = read_messages(incoming)
    return Call(kind=CallKind.INFO, model=asked.model, tokens_in=asked.tokens_in)


def read_models(incoming: Incoming) -> Call:  # noqa: ARG001 - as the others
    """A look at the list of models."""
    return Call(kind=CallKind.INFO)


def answer_models(call: Call, desk: Desk) -> Reply:  # noqa: ARG001 - as the others
    """The list of models."""
    names = desk.shop.options.model_names()
    data = [
        {"type": "model", "id": one, "display_name": one, "created_at": "2025-01-01T00:00:00Z"}
        for one in names
    ]
    ends = {"has_more": False, "first_id": names[0], "last_id": names[-1]}
    return Reply(body=encode({"data": data, **ends}))


ANTHROPIC = Provider(
    name="anthropic",
    prefix="/anthropic",
    endpoints=(
        Endpoint(method="POST", path="/v1/messages", read=read_messages, answer=answer_messages),
        Endpoint(
            method="POST", path="/v1/messages/count_tokens", read=read_count, answer=answer_count
        ),
        Endpoint(method="GET", path="/v1/models", read=read_models, answer=answer_models),
    ),
    problem=problem,
    settings={"ANTHROPIC_API_BASE": ""},
    rate_headers=anthropic_headers,
)
