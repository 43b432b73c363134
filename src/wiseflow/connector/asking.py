"""What a script asks a model, and what it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wiseflow.core.asking import ChatAnswer, ChatRequest, Finish, Message, Speaker
from wiseflow.core.errors import InvalidInput, MalformedOutput
from wiseflow.research.modelled.finding import candidates

Prompt = str | Sequence[Message | Mapping[str, str]]
MAX_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model said.

    Args:
        text: without the model's thoughts.
        model: the name the provider gives it.
        whole: whether it came to its end; else it was cut at ``max_tokens``.
        value: with a schema, the JSON value of the answer; else ``None``.
    """

    text: str
    model: str
    whole: bool = True
    value: object = None


def request_of(
    prompt: Prompt,
    max_tokens: int | None,
    temperature: float,
    schema: Mapping[str, object] | None,
    most: int,
) -> ChatRequest:
    """The request that a prompt stands for.

    Args:
        prompt: a text, or messages: ``Message``, or ``{"role": "user", "content": "…"}``.
        max_tokens: of the answer.
        temperature: of the answer.
        schema: of the answer.
        most: tokens the model gives in one answer.

    Raises:
        InvalidInput: the prompt is empty, or ``max_tokens`` below 1.
    """
    wanted = MAX_TOKENS if max_tokens is None else max_tokens
    if wanted < 1:
        raise InvalidInput(f"max_tokens is {wanted}", cure="Give at least 1")
    given = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    messages = tuple(one if isinstance(one, Message) else _message(one) for one in given)
    if not any(one.text.strip() for one in messages):
        raise InvalidInput("the prompt is empty", cure="Give a text, or messages")
    return ChatRequest(
        messages=messages, max_tokens=min(wanted, most), temperature=temperature, schema=schema
    )


def completion_of(
    answer: ChatAnswer, asked: str, schema: Mapping[str, object] | None
) -> Completion:
    """An answer as a script gets it.

    Raises:
        MalformedOutput: a schema was given, and the answer holds no JSON.
    """
    value: object = None
    if schema is not None:
        found = list(candidates(answer.text))
        if not found:
            raise MalformedOutput(
                f"{asked} gave no JSON, though a schema was given",
                provider=asked.partition(":")[0],
                cure="Raise max_tokens, or choose a more capable model",
            )
        value = found[0]
    return Completion(
        text=answer.text, model=answer.model, whole=answer.finish is Finish.STOP, value=value
    )


def _message(given: Mapping[str, str]) -> Message:
    try:
        return Message(speaker=Speaker(given["role"]), text=given["content"])
    except (KeyError, ValueError, TypeError):
        raise InvalidInput(
            "a message of the prompt cannot be read",
            cure='Give {"role": "user", "content": "…"}, with system, user or assistant',
        ) from None
