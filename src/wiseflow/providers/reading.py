"""What a model said, as an answer of ours: without its thoughts, with what it used."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wiseflow.core.asking import ChatAnswer, ChatRequest, Finish
from wiseflow.core.calls import Reply, Usage
from wiseflow.core.errors import ContentRefused
from wiseflow.core.limits import Allowance
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.statuses import malformed
from wiseflow.providers.thoughts import without_thoughts
from wiseflow.text.tokens import estimate_request, estimate_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer as it came.

    Args:
        text: with thoughts in it, if the model speaks them.
        model: the name the provider gives it, or "".
        finish: why it ended.
        refused: whether a policy forbids the content.
        usage: what the provider counted; ``None`` when it does not tell.
    """

    text: str
    model: str = ""
    finish: Finish = Finish.STOP
    refused: bool = False
    usage: Usage | None = None


def read_answer(
    endpoint: Endpoint, request: ChatRequest, said: Said, allowances: tuple[Allowance, ...]
) -> Reply[ChatAnswer]:
    """The answer to a request.

    One that was cut at its bound may be empty: the model then thought all the time.

    Args:
        endpoint: what was asked.
        request: what it was asked.
        said: what it said.
        allowances: what its headers told.

    Raises:
        ContentRefused: a policy forbids the content.
        MalformedOutput: nothing was said.
    """
    if said.refused:
        refusal = f"{endpoint.provider} at {endpoint.address} refuses the content by its policy"
        raise ContentRefused(
            refusal,
            provider=endpoint.provider,
            cure="Word the topic otherwise",
            allowances=allowances,
        )
    text = without_thoughts(said.text)
    if not text.strip() and said.finish is Finish.STOP:
        error = malformed(endpoint, "with an empty text")
        error.allowances = allowances
        raise error
    return Reply(
        value=ChatAnswer(text=text, model=said.model, finish=said.finish),
        usage=replace(said.usage or _estimated(request, said), bytes=len(said.text.encode())),
        allowances=allowances,
    )


def _estimated(request: ChatRequest, said: Said) -> Usage:
    # With the thoughts, which are paid for, too.
    return Usage(input_tokens=estimate_request(request), output_tokens=estimate_tokens(said.text))
