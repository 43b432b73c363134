"""Models from Python: asked through the same gateway, and within the same limits, as researches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

from wiseflow.app.endpoints import check_names, default_model
from wiseflow.app.outside import Outside, model_to_use
from wiseflow.app.sharing import COUNTS, kept_outside, set_rate
from wiseflow.connector.asking import Completion, Prompt, completion_of, request_of
from wiseflow.core.asking import KeyTest
from wiseflow.core.calls import RunContext
from wiseflow.core.configuration import EXTRACTIVE
from wiseflow.core.errors import ConfigurationError, InvalidInput, WiseflowError
from wiseflow.core.groups import task_group
from wiseflow.core.ids import new_id
from wiseflow.core.limits import RateLimit
from wiseflow.settings.loading import Settings, load_settings

FOUND_BY_ITSELF = "ollama"
NO_MODEL_CURE = "Set LLM_API_KEY, or PRIMARY_MODEL to provider:model; or name a model here"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMetrics:
    """What the calls of one kind to one model of one provider came to, in this process.

    Args:
        kind: ``model``, ``search``, ``fetch`` or ``embed``.
        provider, model: who was asked; "" where there is no model.
        requests: attempts, answered and failed ones.
        errors: failed ones, by the name of the error.
        input_tokens, output_tokens: of models, as they counted them.
        cost: in US dollars; ``None`` when a price is not known, never 0 then.
        mean_latency_s: from sending to the whole answer, in seconds; failed ones count.
    """

    kind: str
    provider: str
    model: str
    requests: int
    errors: Mapping[str, int]
    input_tokens: int
    output_tokens: int
    cost: float | None
    mean_latency_s: float

    @property
    def tokens(self) -> int:
        """In and out together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class _Opened:
    settings: Settings
    outside: Outside
    model: str


class LLMManager:
    """Asks models, and says what they may be asked and what it came to.

    Its connections stay open as long as the event loop it is used on, and are closed with it.

    Args:
        settings: what holds; read from the environment, ``.env`` and YAML when ``None``.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._given = settings
        self._opened: WeakKeyDictionary[asyncio.AbstractEventLoop, _Opened] = WeakKeyDictionary()

    async def complete(
        self,
        prompt: Prompt,
        *,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
        schema: Mapping[str, object] | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """What a model answers.

        Args:
            prompt: a text, or the messages of a conversation, the oldest first.
            model: ``provider:model``; the one that is set up when ``None``.
            max_tokens: the most the answer may have; 1,024, or less where the model gives no more.
            temperature: 0 for the likeliest answer.
            schema: the JSON schema that the answer is to conform to; it is then read, too.
            on_text: is given the parts of the answer as they come.

        Raises:
            InvalidInput: the prompt or the model's name cannot be used.
            ConfigurationError: no model is set up, or the provider's key or address is not.
            CallError: nobody answered; ``MalformedOutput`` when no JSON came to a schema.
        """
        opened = await self._open()
        name = _named(model or opened.model)
        models = opened.outside.models
        request = request_of(
            prompt, max_tokens, temperature, schema, models.room(name).output_tokens
        )
        context = RunContext(run_id=f"llm-{new_id()}", local_only=opened.settings.local_only)
        answer = await models.complete(
            request, model=name, context=context, step="complete", on_text=on_text
        )
        return completion_of(answer, name, schema)

    async def complete_many(
        self,
        prompts: Sequence[Prompt],
        *,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float = 0.0,
        schema: Mapping[str, object] | None = None,
    ) -> list[Completion | WiseflowError]:
        """What a model answers to each prompt; side by side, as far as the limits let them.

        Returns:
            In the order of the prompts: an answer, or the error in its place; see ``complete``.
        """
        ask = partial(
            self.complete,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            schema=schema,
        )

        async def one(prompt: Prompt) -> Completion | WiseflowError:
            try:
                return await ask(prompt)
            except WiseflowError as error:
                return error

        async with task_group() as group:
            tasks = [
                group.create_task(one(prompt), name=f"prompt {number}")
                for number, prompt in enumerate(prompts, start=1)
            ]
        return [task.result() for task in tasks]

    def set_rate_limit(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        concurrency: int | None = None,
        provider: str | None = None,
        model: str = "",
    ) -> RateLimit:
        """Keep a provider to other limits from now on, also for researches that run.

        Args:
            requests_per_minute: above 0; ``None`` leaves it as it is.
            tokens_per_minute: in and out together, above 0; ``None`` leaves it as it is.
            concurrency: requests under way at once, at least 1; ``None`` leaves it as it is.
            provider: its name; that of the model that is set up when ``None``.
            model: of the provider; "" for all of them together.

        Returns:
            All limits that hold for it now, as far as they are told.

        Raises:
            InvalidInput: a limit is not a number above 0, none is given, or there is no such
                provider.
        """
        limit = RateLimit(
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            concurrency=concurrency,
        )
        if limit == RateLimit():
            raise InvalidInput("no limit is given", cure="Give requests_per_minute=…, or another")
        settings = self._settings()
        name = provider or default_model(settings).partition(":")[0] or FOUND_BY_ITSELF
        try:
            check_names([name], "set_rate_limit")
        except ConfigurationError as error:
            raise InvalidInput(error.message, cure=error.cure) from None
        return set_rate(name, model, limit, settings)

    async def test_api_key(self, provider: str | None = None) -> KeyTest:
        """Whether a provider takes its key, and what is left of its quota where it tells.

        Args:
            provider: its name; that of the model that is set up when ``None``.

        Raises:
            InvalidInput: there is no such provider.
            ConfigurationError: no model is set up, or the provider's key or address is not.
            CallError: no answer came.
        """
        opened = await self._open()
        name = provider or _named(opened.model).partition(":")[0]
        return await opened.outside.directory.test_key(name)

    def metrics(self) -> list[CallMetrics]:
        """What all calls of this process came to, those of researches too, by who was asked."""
        return [
            CallMetrics(
                kind=kind.value,
                provider=provider,
                model=model,
                requests=totals.attempts,
                errors=totals.failed,
                input_tokens=totals.input_tokens,
                output_tokens=totals.output_tokens,
                cost=totals.cost,
                mean_latency_s=totals.latency_s / totals.attempts if totals.attempts else 0.0,
            )
            for (kind, provider, model), totals in sorted(COUNTS.totals().items())
        ]

    async def _open(self) -> _Opened:
        loop = asyncio.get_running_loop()
        opened = self._opened.get(loop)
        if opened is None:
            settings = self._settings()
            model = await model_to_use(settings)
            opened = _Opened(settings, await kept_outside(settings), model)
            self._opened[loop] = opened
        return opened

    def _settings(self) -> Settings:
        return self._given or load_settings(environ=os.environ, dotenv=Path(".env"))


def _named(model: str) -> str:
    if not model:
        raise ConfigurationError("no model is set up", cure=NO_MODEL_CURE)
    if model == EXTRACTIVE:
        raise InvalidInput(
            "the embedded author is no model, and can only write researches", cure=NO_MODEL_CURE
        )
    return model
