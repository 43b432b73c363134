"""A model behind Triton's own protocol, which takes one text and gives one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import Any, Final

from wiseflow.core.asking import ChatAnswer, ChatRequest
from wiseflow.core.calls import Reply
from wiseflow.core.errors import BadRequest, ProviderDown
from wiseflow.core.limits import Allowance
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonApi
from wiseflow.providers.keys import bearer
from wiseflow.providers.prompting import ask_for_json, transcript
from wiseflow.providers.reading import Said, read_answer
from wiseflow.providers.shapes import fields_of, items_of, objects_of, text_of
from wiseflow.providers.statuses import malformed, told_kind
from wiseflow.providers.streaming import LineStream
from wiseflow.providers.thoughts import ThoughtFilter

INPUT: Final = "text_input"
OUTPUT: Final = "text_output"
OnText = Callable[[str], None]
_Texts = tuple[str, tuple[Allowance, ...]]


class Protocol(StrEnum):
    """How an address of Triton's speaks."""

    OPENAI = "openai"
    GENERATE = "generate"
    INFER = "infer"


class NativeChat:
    """One model.

    Args:
        endpoint: what is asked.
        clients: whose client of it is used.
        model: its name.
        protocol: ``GENERATE`` or ``INFER``; when it is not given, the first is tried, and the
            second from then on where the first is refused.
    """

    def __init__(
        self, endpoint: Endpoint, clients: HttpClients, model: str, *, protocol: Protocol | None
    ) -> None:
        self._endpoint = endpoint
        self._clients = clients
        self._model = model
        self._protocol = protocol
        self._api = JsonApi(endpoint, clients, bearer(endpoint))
        self._path = f"v2/models/{model}"
        self._inputs: list[Mapping[str, Any]] | None = None

    async def complete(
        self, request: ChatRequest, *, on_text: OnText | None = None
    ) -> Reply[ChatAnswer]:
        """The next message. Raises ``CallError``."""
        prompt = transcript(ask_for_json(request))
        thoughts = _Shown(prompt, on_text)
        if self._protocol is Protocol.INFER:
            text, told = await self._inferred(prompt, request)
        else:
            text, told = await self._generated(prompt, request, thoughts)
        thoughts.finish(text)
        said = Said(text=text.removeprefix(prompt), model=self._model)
        return read_answer(self._endpoint, request, said, told)

    async def _generated(self, prompt: str, request: ChatRequest, shown: _Shown) -> _Texts:
        try:
            if shown.wanted:
                return await self._streamed(_generation(prompt, request, stream=True), shown)
            body = _generation(prompt, request, stream=False)
            reply = await self._api.post(f"{self._path}/generate", body)
        except BadRequest as error:
            if type(error) is not BadRequest or self._protocol is not None:
                raise
            # It has no such extension, or its inputs have other forms than it can fill.
            found = await self._inferred(prompt, request)
            self._protocol = Protocol.INFER
            return found
        return _joined(fields_of(reply.body).get(OUTPUT)), reply.allowances

    async def _streamed(self, body: Mapping[str, object], shown: _Shown) -> _Texts:
        stream = LineStream(self._endpoint, self._clients, self._model)
        texts: list[str] = []
        async with aclosing(stream.post(f"{self._path}/generate_stream", body)) as events:
            async for event in events:
                self._check(event)
                texts.append(_joined(event.get(OUTPUT)))
                shown.feed(texts[-1])
        return "".join(texts), stream.allowances

    def _check(self, event: Mapping[str, Any]) -> None:
        """Raise what an event says went wrong after the answer had begun."""
        error = text_of(event.get("error"))
        if error:
            kind = told_kind(error.encode()) or ProviderDown
            raise kind(
                f"{self._endpoint.provider} at {self._endpoint.address} broke its answer off",
                provider=self._endpoint.provider,
            )

    async def _inferred(self, prompt: str, request: ChatRequest) -> _Texts:
        if self._inputs is None:
            told = await self._api.get(self._path)
            self._inputs = objects_of(fields_of(told.body).get("inputs"))
        body = {"inputs": [*_tensors(self._inputs, prompt, request)]}
        reply = await self._api.post(f"{self._path}/infer", body)
        outputs = objects_of(fields_of(reply.body).get("outputs"))
        texts = [one.get("data") for one in outputs if one.get("name") == OUTPUT]
        if not texts:
            raise malformed(self._endpoint, f"without an output {OUTPUT}")
        return _joined(texts), reply.allowances


class _Shown:
    """Shows an answer as it comes: without the prompt that some models repeat, nor thoughts."""

    def __init__(self, prompt: str, on_text: OnText | None) -> None:
        self._prompt = prompt
        self._on_text = on_text
        self._thoughts = ThoughtFilter()
        self._unsure: str | None = ""  # what may be the prompt again; ``None`` once that is known
        self._fed = False

    @property
    def wanted(self) -> bool:
        """Whether anybody looks."""
        return self._on_text is not None

    def feed(self, text: str) -> None:
        """Show what can be shown, now that ``text`` has come."""
        self._fed = True
        if self._unsure is not None:
            self._unsure += text
            if self._prompt.startswith(self._unsure):
                return
            text, self._unsure = self._unsure.removeprefix(self._prompt), None
        self._show(self._thoughts.feed(text))

    def finish(self, whole: str) -> None:
        """Show the rest, or all of an answer that did not come in parts."""
        if not self._fed:
            self.feed(whole)
        if self._unsure is not None:
            self._show(self._thoughts.feed(self._unsure.removeprefix(self._prompt)))
        self._show(self._thoughts.end())

    def _show(self, text: str) -> None:
        if text and self._on_text is not None:
            self._on_text(text)


def _generation(prompt: str, request: ChatRequest, *, stream: bool) -> dict[str, object]:
    # What is no input of the model, Triton hands to it as a parameter.
    return {
        INPUT: prompt,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stream": stream,
    }


def _tensors(
    inputs: Iterable[Mapping[str, Any]], prompt: str, request: ChatRequest
) -> Iterable[dict[str, object]]:
    """The inputs that a model has and we can fill; it refuses others.

    Source: the inputs of Triton's backends for vLLM (``sampling_parameters``) and TensorRT-LLM.
    """
    sampling = {"max_tokens": request.max_tokens, "temperature": request.temperature}
    known: dict[str, object] = {
        INPUT: prompt,
        "max_tokens": request.max_tokens,
        "request_output_len": request.max_tokens,
        "temperature": request.temperature,
        "sampling_parameters": json.dumps(sampling),
        "stream": False,
    }
    for one in inputs:
        name = text_of(one.get("name"))
        if name in known:
            yield {
                "name": name,
                "datatype": text_of(one.get("datatype")) or "BYTES",
                "shape": [1] * len(items_of(one.get("shape"))),
                "data": [known[name]],
            }


def _joined(data: object) -> str:
    """The texts of a tensor, which may be nested, or of a plain text."""
    if isinstance(data, str):
        return data
    return "".join(_joined(one) for one in items_of(data))
