"""What the fronts promise whatever was asked before."""

from __future__ import annotations

from typing import cast

from tests.gateway.conftest import Provider, answer, run

from wiseflow.core.asking import ChatRequest, Message, Speaker
from wiseflow.core.calls import RunContext
from wiseflow.gateway.fronts import Models
from wiseflow.gateway.pricing import Pricing
from wiseflow.text.tokens import TokenEstimator

TEXT = "The reservoir had been built without a survey of the fault. " * 20


def test_a_text_counts_the_same_before_and_after_answers_so_that_a_resumed_prompt_is_the_same():
    async def body():
        provider = Provider([answer("so", input_tokens=5000)] * 20)
        models = Models(provider, TokenEstimator(), cast(Pricing, None))
        request = ChatRequest(
            messages=(Message(speaker=Speaker.USER, text=TEXT),), max_tokens=10, context_tokens=9000
        )
        before = models.count("openai:m", TEXT)
        for number in range(20):
            await models.complete(
                request, model="openai:m", context=RunContext(run_id="r"), step=f"{number}"
            )

        assert models.count("openai:m", TEXT) == before

    run(body())
