"""Triton Inference Server: the KServe protocol of version 2 with texts, and ``generate``.

Texts are BYTES tensors in JSON, as ``text_input`` in and ``text_output`` out; the extension for
binary tensors is not spoken.

Source: KServe, "Predict protocol, version 2"; Triton, "Generate extension".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wiseflow.simulator.calls import Call, CallKind, Incoming, Prompt, Reply, count_tokens, encode
from wiseflow.simulator.problems import Problem, ProblemKind, bad_request, error_reply
from wiseflow.simulator.provider import Desk, Endpoint, Provider
from wiseflow.simulator.providers.messages import (
    checked_number,
    elements_of,
    event,
    fields_of,
    pieces,
    reply_of,
    required,
)
from wiseflow.simulator.rate_headers import no_headers

MAX_TOKENS = ("max_tokens", "request_output_len")
NAMES = ("BYTES", "text_input", "text_output")


def problem(found: Problem) -> Reply:
    """An error in Triton's words."""
    return error_reply(found.status, {"error": found.message})


def read_infer(incoming: Incoming) -> Call:
    """The texts of an inference request."""
    tensors = map(fields_of, elements_of(incoming.body.get("inputs")))
    data = {str(one.get("name")): _flat(one.get("data")) for one in tensors}
    texts = data.get("text_input")
    if not texts or not all(isinstance(one, str) for one in texts):
        raise bad_request("input 'text_input' must be a BYTES tensor that is not empty")
    lengths = next((data[name] for name in MAX_TOKENS if data.get(name)), [None])
    return _call(incoming, texts, checked_number(lengths[0], "max_tokens"))


def _flat(data: Any) -> list[Any]:
    """The elements of a tensor, in row-major order; they may be nested or not."""
    if not isinstance(data, list):
        return [data]
    return [element for row in elements_of(data) for element in _flat(row)]


def read_generate(incoming: Incoming) -> Call:
    """The text of a request to generate."""
    parameters = fields_of(incoming.body.get("parameters"))
    longest = incoming.body.get("max_tokens", parameters.get("max_tokens"))
    text = required(incoming, "text_input")
    return _call(incoming, [text], checked_number(longest, "max_tokens"))


def _call(incoming: Incoming, texts: Sequence[str], longest: int | None) -> Call:
    return Call(
        kind=CallKind.MODEL,
        model=incoming.parts["model"],
        prompts=tuple(Prompt(text=text, max_tokens=longest) for text in texts),
        tokens_in=sum(map(count_tokens, texts)),
    )


def answer_infer(call: Call, desk: Desk) -> Reply:
    """One text for each."""
    written = [desk.write(prompt) for prompt in call.prompts]
    texts = [] if desk.empty else [one.text for one in written]
    tensor = {"name": "text_output", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
    body = {**_head(call), "outputs": [tensor]}
    if "id" in desk.incoming.body:
        body["id"] = desk.incoming.body["id"]
    return reply_of(*written, body=body)


def answer_generate(call: Call, desk: Desk) -> Reply:
    """One text."""
    written = desk.write(call.prompts[0])
    body = {**_head(call), "text_output": "" if desk.empty else written.text}
    return reply_of(written, body=body)


def answer_stream(call: Call, desk: Desk) -> Reply:
    """One text in parts."""
    written = desk.write(call.prompts[0])
    texts = ("",) if desk.empty else pieces(written.text, desk.shop.options.chunk_tokens)
    chunks = tuple(event({**_head(call), "text_output": one}) for one in texts)
    return reply_of(written, chunks=chunks, content_type="text/event-stream")


def _head(call: Call) -> dict[str, Any]:
    return {"model_name": call.model, "model_version": "1"}


def read_info(incoming: Incoming) -> Call:
    """A look at the server or at a model."""
    return Call(kind=CallKind.INFO, model=incoming.parts.get("model", ""))


def answer_ready(call: Call, desk: Desk) -> Reply:
    """Whether the server, or a model, is ready: by the status alone."""
    if call.model and desk.shop.options.model(call.model) is None:
        return _unknown(call)
    return Reply()


def answer_model(call: Call, desk: Desk) -> Reply:
    """What a model takes and gives."""
    if desk.shop.options.model(call.model) is None:
        return _unknown(call)
    kind, *names = NAMES
    inputs, outputs = ([{"name": name, "datatype": kind, "shape": [-1]}] for name in names)
    body = {
        "name": call.model,
        "versions": ["1"],
        "platform": "python",
        "inputs": inputs,
        "outputs": outputs,
    }
    return Reply(body=encode(body))


def answer_server(call: Call, desk: Desk) -> Reply:  # noqa: ARG001 - as the others
    """What the server is."""
    return Reply(body=encode({"name": "triton", "version": "2.60.0", "extensions": ["generate"]}))


def _unknown(call: Call) -> Reply:
    message = f"Request for unknown model: '{call.model}' is not found"
    return problem(Problem(kind=ProblemKind.MODEL_UNKNOWN, message=message))


def _info(path: str, answer: Any) -> Endpoint:
    return Endpoint(method="GET", path=path, read=read_info, answer=answer)


TRITON = Provider(
    name="triton",
    prefix="/triton",
    endpoints=(
        _info("/v2", answer_server),
        _info("/v2/health/live", answer_ready),
        _info("/v2/health/ready", answer_ready),
        _info("/v2/models/{model}", answer_model),
        _info("/v2/models/{model}/ready", answer_ready),
        Endpoint(
            method="POST", path="/v2/models/{model}/infer", read=read_infer, answer=answer_infer
        ),
        Endpoint(
            method="POST",
            path="/v2/models/{model}/generate",
            read=read_generate,
            answer=answer_generate,
        ),
        Endpoint(
            method="POST",
            path="/v2/models/{model}/generate_stream",
            read=read_generate,
            answer=answer_stream,
        ),
    ),
    problem=problem,
    settings={"TRITON_API_BASE": ""},
    rate_headers=no_headers,
    keyed=False,
)
