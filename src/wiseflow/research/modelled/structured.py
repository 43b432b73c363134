"""Structured answers that survive weak models.

An answer is asked for as JSON with a schema. What comes is read with the usual damage mended; if it
is still not of the form, the model is told once what was wrong with it, field by field; then it is
asked for plain lines instead. Each attempt is a step of its own, as the gateway keeps answers by
step and request, and each further one is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel

from wiseflow.core.asking import ChatRequest
from wiseflow.core.calls import RunContext
from wiseflow.core.errors import BadRequest, ContextTooLong, MalformedOutput, ModelMissing
from wiseflow.core.gateways import ModelCalls
from wiseflow.research.modelled.answers import Statements
from wiseflow.research.modelled.finding import candidates, plain
from wiseflow.research.modelled.forms import Faulty, read_form, schema_of
from wiseflow.research.modelled.prompting import Prompt, repairing

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
# Longer than any answer that is asked for; a model that does not stop is not read to its end.
LONGEST_ANSWER = 200_000
# How many ids a model is told of that it may give.
MOST_NAMED = 30


@dataclass(slots=True)
class Tally:
    """What an author had to do beside asking once.

    Args:
        repairs: answers that were asked for again, with what was wrong.
        simpler: answers that were asked for as plain lines.
        shortened: requests made again with less, as the model found them too long.
        dropped: sentences left out, as they cited nothing that was given.
    """

    repairs: int = 0
    simpler: int = 0
    shortened: int = 0
    dropped: int = 0

    @property
    def retries(self) -> int:
        """Calls beyond the first of each purpose."""
        return self.repairs + self.simpler + self.shortened


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[T]):
    """How an answer is to look.

    Args:
        schema: the JSON schema that it is to conform to.
        read: makes a JSON value into the answer; raises ``Faulty``.
        read_lines: makes plain lines into the answer; raises ``Faulty``.
    """

    schema: Mapping[str, object]
    read: Callable[[object], T]
    read_lines: Callable[[str], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Generic[T]):
    """What to ask a model for.

    Args:
        model: ``provider:model``.
        step: names the purpose within the run.
        prompt: asks for JSON.
        simpler: asks for plain lines.
        form: of the answer.
        max_tokens: the most the answer may have.
        context_tokens: how long a context the model is to be loaded with.
        closing: whether it belongs to the writing up.
    """

    model: str
    step: str
    prompt: Prompt
    simpler: Prompt
    form: Form[T]
    max_tokens: int
    context_tokens: int | None = None
    closing: bool = False


class Asker:
    """Asks models for answers of a form.

    Args:
        models: who is asked.
        context: of the run.
        tally: counts what further attempts it took.
    """

    def __init__(self, models: ModelCalls, context: RunContext, tally: Tally) -> None:
        self._models = models
        self._context = context
        self._tally = tally

    async def ask(self, ask: Ask[T]) -> T:
        """The answer.

        Raises:
            MalformedOutput: no attempt gave one of the form.
            ContextTooLong: the request is too long for the model.
            CallError: nobody answered.
            BudgetSpent: the run may spend no more.
        """
        try:
            return await self._by_schema(ask)
        except Faulty as fault:
            await self._note("simpler", ask.step, fault)
        text = await self._text(ask, ask.simpler, "/simpler", schema=None)
        try:
            return ask.form.read_lines(plain(text))
        except Faulty as fault:
            raise MalformedOutput(
                f"{ask.model} gave no answer of the form that {ask.step!r} asks for,"
                f" not even as plain lines: {fault}",
                provider=ask.model.partition(":")[0],
                cure="Choose a more capable model for this role",
            ) from fault

    async def _by_schema(self, ask: Ask[T]) -> T:
        """The answer as JSON, at the first or the second attempt. Raises ``Faulty``."""
        try:
            return _read(await self._json(ask, ask.prompt, ""), ask.form)
        except Faulty as fault:
            await self._note("repair", ask.step, fault)
            again = repairing(ask.prompt, fault.faults)
        except BadRequest as error:
            if isinstance(error, ContextTooLong | ModelMissing):
                raise
            # Servers that know no schemas refuse the request; plain lines need none.
            raise Faulty(str(error)) from error
        try:
            return _read(await self._json(ask, again, "/repair"), ask.form)
        except ContextTooLong as error:
            raise Faulty(str(error)) from error

    async def _json(self, ask: Ask[T], prompt: Prompt, suffix: str) -> str:
        try:
            return await self._text(ask, prompt, suffix, schema=ask.form.schema)
        except MalformedOutput as error:
            # The gateway gave up on an empty or broken answer; another question may help.
            raise Faulty(f"the whole answer: {error.message}") from error

    async def _text(
        self, ask: Ask[T], prompt: Prompt, suffix: str, *, schema: Mapping[str, object] | None
    ) -> str:
        request = ChatRequest(
            messages=prompt.messages,
            max_tokens=ask.max_tokens,
            schema=schema,
            # The version of the prompt, so that a new one is never given an old one's answer.
            schema_name=prompt.name,
            context_tokens=ask.context_tokens,
        )
        answer = await self._models.complete(
            request,
            model=ask.model,
            context=self._context,
            step=ask.step + suffix,
            closing=ask.closing,
        )
        return answer.text[:LONGEST_ANSWER]

    async def _note(self, what: str, step: str, fault: Faulty) -> None:
        if what == "repair":
            self._tally.repairs += 1
        else:
            self._tally.simpler += 1
        if self._context.tell:
            await self._context.tell(
                "asked_again", {"step": step, "how": what, "faults": list(fault.faults)}
            )


def form(
    model: type[M], make: Callable[[M], T], read_lines: Callable[[str], T], *, items: str
) -> Form[T]:
    """A form from its pydantic model.

    Args:
        model: validates JSON values.
        make: makes the answer from a valid one; raises ``Faulty``.
        read_lines: makes it from plain lines; raises ``Faulty``.
        items: the field that holds what matters, for an answer that is a bare list.
    """
    return Form(
        schema=schema_of(model),
        read=lambda value: make(read_form(model, _unwrapped(value, items))),
        read_lines=read_lines,
    )


def within(wanted: Form[Statements], field: str, ids: Sequence[str]) -> Form[Statements]:
    """A form whose sentences keep only those of their ids that were given.

    An answer in which no sentence keeps any is faulty.

    Args:
        wanted: the form.
        field: where the ids stand, for the fault.
        ids: that were given, all of one letter: ``p1``, ``p2``.
    """

    def checked(answer: Statements) -> Statements:
        claims = tuple(replace(said, ids=_known(said.ids, ids)) for said in answer.claims)
        if claims and not any(said.ids for said in claims):
            some = ", ".join(ids[:MOST_NAMED])
            raise Faulty(f"claims.0.{field}: give ids of those that were given: {some}")
        return replace(answer, claims=claims)

    return Form(
        schema=of_ids(wanted.schema, field, ids),
        read=lambda value: checked(wanted.read(value)),
        read_lines=lambda text: checked(wanted.read_lines(text)),
    )


def of_ids(schema: Mapping[str, object], field: str, ids: Sequence[str]) -> Mapping[str, object]:
    """The schema, in which the texts and lists called ``field`` hold nothing but ``ids``.

    A provider that keeps its model to a schema then cannot be given an id that does not exist.
    """
    one = {"type": "string", "enum": list(ids)}

    def narrowed(value: object, name: str = "") -> object:
        if isinstance(value, dict):
            inner = cast("dict[str, object]", value)
            if name == field and inner == {"type": "string"}:
                return one
            if name == field and inner.get("items") == {"type": "string"}:
                return {**inner, "items": one}
            return {key: narrowed(one, key) for key, one in inner.items()}
        return value

    return cast("Mapping[str, object]", narrowed(dict(schema))) if ids else schema


def _known(given: Sequence[str], ids: Sequence[str]) -> tuple[str, ...]:
    """Those ids that there are; a bare number is taken for the one of that number."""
    letter = ids[0][0] if ids else ""
    found = (one if one[0].isalpha() else f"{letter}{int(one)}" for one in given)
    return tuple(one for one in dict.fromkeys(found) if one in ids)


def _read(text: str, wanted: Form[T]) -> T:
    """The first value in ``text`` that is of the form. Raises ``Faulty``."""
    faulty: Faulty | None = None
    for value in candidates(text):
        try:
            return wanted.read(value)
        except Faulty as error:
            faulty = faulty or error
    raise faulty or Faulty("the whole answer: it holds no JSON")


def _unwrapped(value: object, items: str) -> object:
    """The value itself, out of a list or an object that it was put into for nothing."""
    if isinstance(value, list):
        held = cast("list[Any]", value)
        whole = len(held) == 1 and _has(held[0], items) and not _has(held[0], "text")
        return held[0] if whole else {items: held}
    if isinstance(value, dict) and not _has(value, items) and len(cast("Any", value)) == 1:
        (inner,) = cast("dict[str, Any]", value).values()
        return inner if _has(inner, items) else cast("object", value)
    return cast("object", value)


def _has(value: Any, key: str) -> bool:
    return isinstance(value, dict) and key in cast("dict[str, Any]", value)
