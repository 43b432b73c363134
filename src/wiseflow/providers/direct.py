"""Asks models through pydantic-ai's direct model API. To import it takes a second: see ``lazy``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol, cast

import httpx2
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from wiseflow.core.asking import ChatAnswer, ChatRequest, Finish, Message, Speaker
from wiseflow.core.calls import Reply, Usage
from wiseflow.core.errors import BadRequest, CallError, ProviderDown
from wiseflow.providers.dialect import Dialect, Form, complaint_of
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.failures import connection_failure
from wiseflow.providers.hearing import Heard, headers_of_this_call
from wiseflow.providers.http import USER_AGENT, HttpClients
from wiseflow.providers.prompting import ask_for_json
from wiseflow.providers.reading import Said, read_answer
from wiseflow.providers.statuses import Answered, malformed, status_failure, told_kind
from wiseflow.providers.thoughts import ThoughtFilter

# What pydantic-ai raises, or lets through, when an answer is not of the form it should have.
_UNREADABLE = (UnexpectedModelBehavior, IndexError, KeyError, AttributeError, TypeError, ValueError)
# pydantic-ai takes out thoughts itself, but shows one that is cut off, and in a stream knows a tag
# only when it is a part of its own. These tags are said by nobody, so that it leaves all to us.
NO_TAGS = ("\ue000think\ue001", "\ue000/think\ue001")
OnText = Callable[[str], None]
_Asked = tuple[list[ModelMessage], ModelSettings, ModelRequestParameters]


class MakeModel(Protocol):
    """Makes pydantic-ai's model for the way an endpoint wants to be asked."""

    def __call__(self, dialect: Dialect) -> Model:
        """It opens nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    model: Model
    dialect: Dialect


class DirectChat:
    """One model of one endpoint.

    What the endpoint refuses to be asked is found out once, and left out from then on.

    Args:
        endpoint: what is asked.
        clients: whose client of it is used.
        name: of the model.
        make: pydantic-ai's model.
        dialect: how to ask at first.
        headers: sent with each request, or what the library takes to leave one out.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clients: HttpClients,
        name: str,
        *,
        make: MakeModel,
        dialect: Dialect,
        headers: Mapping[str, object] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._clients = clients
        self._name = name
        self._make = make
        self._headers = cast("dict[str, str]", {"User-Agent": USER_AGENT, **(headers or {})})
        self._made = _Made(model=make(dialect), dialect=dialect)

    async def complete(
        self, request: ChatRequest, *, on_text: OnText | None = None
    ) -> Reply[ChatAnswer]:
        """The next message. Raises ``CallError``."""
        while True:
            made = self._made
            with headers_of_this_call() as heard:
                try:
                    said = await self._said(made, request, on_text, heard)
                except _Refused as refused:
                    self._learn(made, refused, structured=request.schema is not None)
                else:
                    told = heard.allowances(self._clients.clock.now())
                    return read_answer(self._endpoint, request, said, told)

    def _learn(self, made: _Made, refused: _Refused, *, structured: bool) -> None:
        """Ask in another way from now on, or raise what cannot be helped."""
        if self._made is not made:  # another call has learned meanwhile
            return
        dialect = made.dialect.without(refused.complaint, structured=structured)
        if dialect is None:
            raise refused.failure from None
        self._made = _Made(model=self._make(dialect), dialect=dialect)

    async def _said(
        self, made: _Made, request: ChatRequest, on_text: OnText | None, heard: Heard
    ) -> Said:
        if on_text is None:
            asked = self._asked(made, request)
            try:
                return _as_said(await made.model.request(*asked))
            except (ModelAPIError, httpx2.HTTPError, *_UNREADABLE) as error:
                raise self._failure(error, heard) from None
        thoughts = ThoughtFilter()
        async with aclosing(self._streamed(made, request, heard)) as parts:
            async for part in parts:
                if isinstance(part, ModelResponse):
                    _show(thoughts.end(), on_text)
                    return _as_said(part)
                _show(thoughts.feed(part), on_text)
        raise malformed(self._endpoint, "with a stream without an end")  # pragma: no cover

    async def _streamed(
        self, made: _Made, request: ChatRequest, heard: Heard
    ) -> AsyncGenerator[str | ModelResponse]:
        """The texts of the answer as they come, and the whole of it at the end."""
        asked = self._asked(made, request)
        # What the one who listens raises is not caught here, as it is raised at his own place.
        try:
            async with made.model.request_stream(*asked) as stream:
                async for event in stream:
                    text = _text_of(event)
                    if text:
                        yield text
                whole = stream.get()
                if whole.finish_reason is None and not (whole.provider_details or {}).get(
                    "finish_reason"
                ):
                    raise UnexpectedModelBehavior("a stream that ends without saying why")
        except (ModelAPIError, httpx2.HTTPError, *_UNREADABLE) as error:
            raise self._failure(error, heard) from None
        yield whole

    def _asked(self, made: _Made, request: ChatRequest) -> _Asked:
        settings = ModelSettings(max_tokens=request.max_tokens, extra_headers=self._headers)
        if made.dialect.temperature:
            settings["temperature"] = request.temperature
        form = made.dialect.forms[0] if request.schema is not None else None
        worded = form in {Form.OBJECT_OF_SCHEMA, Form.OBJECT, Form.PROMPT}
        if form is Form.OBJECT_OF_SCHEMA:
            wanted = {"type": "json_object", "schema": dict(request.schema or {})}
            settings["extra_body"] = {"response_format": wanted}
        messages = ask_for_json(request) if worded else request.messages
        return [_message(one) for one in messages], settings, _parameters(request, form)

    def _failure(self, error: Exception, heard: Heard) -> Exception:
        """An error of the library as one of ours, or as a refusal that may be helped.

        It is raised without its cause, which may quote the key or what was sent.
        """
        if isinstance(error, ModelHTTPError):
            return self._refusal(error)
        if isinstance(error, ModelConnectionError | httpx2.HTTPError):
            return connection_failure(error, self._endpoint, self._clients.network)
        body = json.dumps(getattr(error, "body", None), default=str).encode()
        if isinstance(error, ModelAPIError) and error.in_stream:
            return self._broken_off(told_kind(body) or ProviderDown, heard)
        kind = type(error).__name__
        return malformed(self._endpoint, f"with a body that is no whole answer ({kind})")

    def _refusal(self, error: ModelHTTPError) -> Exception:
        answered = Answered(
            status=error.status_code,
            headers=error.headers or {},
            body=json.dumps(error.body, default=str).encode(),
        )
        now = self._clients.clock.now()
        failure = status_failure(self._endpoint, answered, now=now, model=self._name)
        # Some servers fail on what they do not know: llama-cpp-python validates with a 500.
        if type(failure) is BadRequest or error.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            return _Refused(complaint_of(error.body), failure)
        return failure

    def _broken_off(self, kind: type[CallError], heard: Heard) -> CallError:
        return kind(
            f"{self._endpoint.provider} at {self._endpoint.address} broke its answer off",
            provider=self._endpoint.provider,
            allowances=heard.allowances(self._clients.clock.now()),
        )


class _Refused(Exception):
    """An endpoint refuses the way it is asked."""

    def __init__(self, complaint: str, failure: CallError) -> None:
        super().__init__("refused")
        self.complaint = complaint
        self.failure = failure


def _parameters(request: ChatRequest, form: Form | None) -> ModelRequestParameters:
    schema, name = dict(request.schema or {}), request.schema_name
    match form:
        case Form.SCHEMA:
            wanted = OutputObjectDefinition(json_schema=schema, name=name)
            return ModelRequestParameters(output_mode="native", output_object=wanted)
        case Form.TOOL:
            tool = ToolDefinition(
                name=name,
                description="Gives the answer.",
                parameters_json_schema=schema,
                kind="output",
            )
            return ModelRequestParameters(
                output_mode="tool", output_tools=[tool], allow_text_output=False
            )
        case Form.OBJECT:
            # Without a template: the schema is in our own words already.
            return ModelRequestParameters(output_mode="prompted", prompted_output_template=False)
        case Form.OBJECT_OF_SCHEMA | Form.PROMPT | None:
            return ModelRequestParameters()


def _message(message: Message) -> ModelMessage:
    match message.speaker:
        case Speaker.SYSTEM:
            return ModelRequest(parts=[SystemPromptPart(content=message.text)])
        case Speaker.USER:
            return ModelRequest(parts=[UserPromptPart(content=message.text)])
        case Speaker.ASSISTANT:
            return ModelResponse(parts=[TextPart(content=message.text)])


def _text_of(event: object) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartStartEvent(part=ToolCallPart(args=str(text))):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=str(text))):
            return text
        case _:
            return ""


def _as_said(response: ModelResponse) -> Said:
    texts: list[str] = []
    for part in response.parts:
        if isinstance(part, TextPart):
            texts.append(part.content)
        elif isinstance(part, ToolCallPart):
            texts.append(part.args_as_json_str())
    used = response.usage
    counted = bool(used.input_tokens or used.output_tokens)
    return Said(
        text="".join(texts),
        model=response.model_name or "",
        finish=Finish.LENGTH if response.finish_reason == "length" else Finish.STOP,
        refused=response.finish_reason == "content_filter",
        usage=Usage(input_tokens=used.input_tokens, output_tokens=used.output_tokens)
        if counted
        else None,
    )


def _show(text: str, on_text: OnText) -> None:
    if text:
        on_text(text)
