"""Ollama's API. A prompt longer than ``options.num_ctx`` is cut at its beginning, silently.

Source: Ollama, docs/api.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from wiseflow.simulator.calls import Call, CallKind, Incoming, Prompt, Reply, count_tokens, encode
from wiseflow.simulator.options import NUM_CTX
from wiseflow.simulator.problems import Problem, ProblemKind, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.messages import (
    checked_number,
    conversation,
    ends_with,
    fields_of,
    pieces,
    reply_of,
    required,
    texts_of,
    tools_of,
    vector,
)
from wiseflow.simulator.rate_headers import no_headers
from wiseflow.simulator.writer import Written

LINES = "application/x-ndjson"
VERSION = "0.12.6"
NANOSECONDS = 1_000_000_000


def problem(found: Problem) -> Reply:
    """An error in Ollama's words."""
    message = found.message
    if found.kind is ProblemKind.UNAVAILABLE:
        message = "server busy, please try again. maximum pending requests exceeded"
    return error_reply(found.status, {"error": message})


def read_chat(incoming: Incoming) -> Call:
    """What a chat asks for."""
    messages = incoming.body.get("messages")
    text = conversation(messages)
    answering = ends_with(messages, "tool")
    return _call(incoming, text, () if answering else incoming.body.get("tools"))


def read_generate(incoming: Incoming) -> Call:
    """What a request to generate asks for."""
    text = "\n\n".join(filter(None, (incoming.body.get("system"), required(incoming, "prompt"))))
    return _call(incoming, text, ())


def _call(incoming: Incoming, text: str, tools: Any) -> Call:
    body = incoming.body
    options = fields_of(body.get("options"))
    wanted = body.get("format")
    longest = options.get("num_predict")
    context = checked_number(options.get("num_ctx"), "num_ctx", NUM_CTX)
    prompt = Prompt(
        text=text,
        schema=fields_of(wanted) or None,
        tools=tools_of(tools),
        max_tokens=None if longest in {None, -1, -2} else checked_number(longest, "num_predict"),
        context=context,
        as_json=wanted == "json",
    )
    return Call(
        kind=CallKind.MODEL,
        model=required(incoming, "model"),
        prompts=(prompt,),
        stream=body.get("stream", True) is not False,
        tokens_in=count_tokens(text),
    )


def answer_chat(call: Call, desk: Desk) -> Reply:
    """A message, whole or in lines."""
    return _answer(call, desk, as_message=True)


def answer_generate(call: Call, desk: Desk) -> Reply:
    """A text, whole or in lines."""
    return _answer(call, desk, as_message=False)


def _answer(call: Call, desk: Desk, *, as_message: bool) -> Reply:
    written = desk.write(call.prompts[0])
    head = {"model": call.model, "created_at": _time(desk.wall)}
    end = {**head, **_ending(desk, written)}
    whole = "" if desk.empty else written.text
    if not call.stream:
        return reply_of(written, body={**end, **_said(written, whole, as_message=as_message)})
    lines = _lines(desk, written, head, as_message=as_message)
    last = {**end, **({"message": _message("")} if as_message else {"response": ""})}
    chunks = (*lines, encode(last) + b"\n")
    return reply_of(written, chunks=chunks, content_type=LINES)


def _said(written: Written, text: str, *, as_message: bool) -> dict[str, Any]:
    if not as_message:
        return {"response": text}
    if written.tool and text:
        call = {"function": {"name": written.tool, "arguments": _arguments(written.text)}}
        return {"message": {**_message(""), "tool_calls": [call]}}
    return {"message": _message(text)}


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # it was cut
        return {}


def _message(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _lines(
    desk: Desk, written: Written, head: Mapping[str, Any], *, as_message: bool
) -> Iterator[bytes]:
    if desk.empty:
        return
    size = desk.shop.options.chunk_tokens
    for piece in (written.text,) if written.tool else pieces(written.text, size):
        said = _said(written, piece, as_message=as_message)
        yield encode({**head, **said, "done": False}) + b"\n"


def _ending(desk: Desk, written: Written) -> dict[str, Any]:
    taken = int(desk.shop.options.latency(CallKind.MODEL).mean_s * NANOSECONDS)
    return {
        "done": True,
        "done_reason": "length" if written.cut else "stop",
        "total_duration": taken,
        "load_duration": 0,
        "prompt_eval_count": written.tokens_in,
        "prompt_eval_duration": taken // 4,
        "eval_count": written.tokens_out,
        "eval_duration": taken - taken // 4,
    }


def _time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat().replace("+00:00", "Z")


def read_embed(incoming: Incoming) -> Call:
    """What a request for embeddings asks for."""
    texts = texts_of(incoming.body.get("input"))
    return Call(
        kind=CallKind.EMBED,
        model=required(incoming, "model"),
        texts=texts,
        tokens_in=sum(map(count_tokens, texts)),
    )


def answer_embed(call: Call, desk: Desk) -> Reply:
    """Vectors."""
    size = checked_number(
        desk.incoming.body.get("dimensions"), "dimensions", desk.shop.options.embedding_size
    )
    texts = () if desk.empty else call.texts
    body = {
        "model": call.model,
        "embeddings": [vector(text, size or 1).tolist() for text in texts],
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": call.tokens_in,
    }
    return Reply(body=encode(body), tokens_in=call.tokens_in)


def read_nothing(incoming: Incoming) -> Call:  # noqa: ARG001 - as the others
    """A look at something."""
    return Call(kind=CallKind.INFO)


def answer_tags(call: Call, desk: Desk) -> Reply:  # noqa: ARG001 - as the others
    """The models that are there."""
    models = [
        {
            "name": name,
            "model": name,
            "modified_at": "2025-01-01T00:00:00Z",
            "size": 4_000_000_000,
            "digest": "0" * 64,
            "details": {"format": "gguf", "family": "simulated", "parameter_size": "7B"},
        }
        for name in desk.shop.options.model_names()
    ]
    return Reply(body=encode({"models": models}))


def answer_version(call: Call, desk: Desk) -> Reply:  # noqa: ARG001 - as the others
    """The version."""
    return Reply(body=encode({"version": VERSION}))


OLLAMA = Provider(
    name="ollama",
    prefix="/ollama",
    endpoints=(
        Endpoint(method="POST", path="/api/chat", read=read_chat, answer=answer_chat),
        Endpoint(method="POST", path="/api/generate", read=read_generate, answer=answer_generate),
        Endpoint(method="POST", path="/api/embed", read=read_embed, answer=answer_embed),
        Endpoint(method="GET", path="/api/tags", read=read_nothing, answer=answer_tags),
        Endpoint(method="GET", path="/api/version", read=read_nothing, answer=answer_version),
    ),
    problem=problem,
    settings={"OLLAMA_API_BASE": ""},
    rate_headers=no_headers,
    keyed=False,
)
