"""The simulated model: it does what a prompt asks, with what the prompt holds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from wiseflow.simulator.calls import CHARACTERS_A_TOKEN, Prompt, count_tokens
from wiseflow.simulator.faults import FaultKind
from wiseflow.simulator.judging import Judge, asks_for_judgements, cases_in
from wiseflow.simulator.material import Material, schema_in
from wiseflow.simulator.obeying import ObedientMaterial
from wiseflow.simulator.reasoning import asked_in, follow, reasoned
from wiseflow.simulator.retelling import Reteller
from wiseflow.simulator.schemas import Composer
from wiseflow.simulator.world import World

OUTPUT_TOKENS = 200
THOUGHT = (
    'The question asks for a short answer. Let me see which of the passages fit: {"draft": the '
    "first one seems to do, but is it complete?} I will write it down now."
)
REFUSAL = "I'm sorry, but I can't help with that request."
WRONG = {"status": "ok", "items": [1, 2, 3]}
ROUND = 7  # sentences to a paragraph


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model has written.

    Args:
        text: the answer; for a tool, the JSON of its arguments.
        tool: the name of the tool that is called, or "".
        tokens_in: of the prompt, as far as it was read.
        tokens_out: of the answer.
        cut: the longest answer allowed was reached.
        refused: the model does not want to answer.
    """

    text: str
    tool: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cut: bool = False
    refused: bool = False


class Writer:
    """Answers prompts. Equal prompts get equal answers.

    Args:
        world: what it has learnt.
        output_tokens: how long a free text is, where no fewer are allowed.
        judge_errors: share of its judgements on claims that are wrong.
        own_words: share of the claims that it writes in other words than those it read.
        careless: share of those that it gets wrong.
    """

    def __init__(
        self,
        world: World,
        output_tokens: int = OUTPUT_TOKENS,
        *,
        judge_errors: float = 0.0,
        own_words: float = 0.0,
        careless: float = 0.0,
    ) -> None:
        self._world = world
        self._output_tokens = output_tokens
        self._judge = Judge(world, judge_errors)
        self._reteller = Reteller(world, self._judge, own_words=own_words, careless=careless)

    def write(self, prompt: Prompt, fault: FaultKind | None = None) -> Written:
        """The answer to a prompt, spoilt in the way of a fault if one is given."""
        text = prompt.text
        if prompt.context is not None:  # what does not fit is cut away at the beginning
            text = text[-prompt.context * CHARACTERS_A_TOKEN :]
        material = self._material(text, fault)
        tool = _tool_of(prompt) or (material.tool if isinstance(material, ObedientMaterial) else "")
        refused = fault is FaultKind.REFUSAL
        answer = REFUSAL if refused else self._answer(prompt, material, tool, fault)
        if fault is FaultKind.THINK and not tool:
            answer = f"<think>\n{THOUGHT}\n</think>\n\n{answer}"
        longest = (prompt.max_tokens or 1_000_000) * CHARACTERS_A_TOKEN
        return Written(
            text=answer[:longest],
            tool="" if refused else tool,
            tokens_in=count_tokens(text),
            tokens_out=count_tokens(answer[:longest]),
            cut=len(answer) > longest,
            refused=refused,
        )

    def _answer(
        self, prompt: Prompt, material: Material, tool: str, fault: FaultKind | None
    ) -> str:
        schema = next((one.schema for one in prompt.tools if one.name == tool), None)
        schema = schema or prompt.schema or schema_in(material.text)
        if schema is None and prompt.as_json:
            schema = {"properties": {"answer": {"type": "string"}}}
        if fault is FaultKind.WRONG_SCHEMA:
            return json.dumps(WRONG)
        if schema is not None and (judgements := asks_for_judgements(schema)):
            said = [self._judge.judge(case) for case in cases_in(material.text)]
            return json.dumps({judgements: said}, ensure_ascii=False)
        return (
            self._free(material, prompt.max_tokens)
            if schema is None
            else self._object(schema, material)
        )

    def _material(self, text: str, fault: FaultKind | None) -> Material:
        kind = ObedientMaterial if fault is FaultKind.OBEY else Material
        return kind(text, self._world)

    def _object(self, schema: Mapping[str, Any], material: Material) -> str:
        composed = Composer(schema, material).compose()
        chain = asked_in(material)
        if chain is not None and isinstance(composed, dict):
            composed = reasoned(cast("dict[str, Any]", composed), follow(chain, material.passages))
        return json.dumps(self._reteller.retell(composed), ensure_ascii=False)

    def _free(self, material: Material, max_tokens: int | None) -> str:
        room = min(self._output_tokens, max_tokens or self._output_tokens) * CHARACTERS_A_TOKEN
        sentences: list[str] = []
        for sentence in itertools.chain(material.cited(), _more(material)):
            room -= len(sentence) + 1
            if room < 0 and sentences:
                break
            sentences.append(sentence)
        paragraphs = (sentences[at : at + ROUND] for at in range(0, len(sentences), ROUND))
        return "\n\n".join(map(" ".join, paragraphs))


def _more(material: Material) -> itertools.chain[str]:
    """What a model goes on with when it has passages no more: nothing; without any, small talk."""
    if material.passages:
        return itertools.chain()
    return itertools.chain(material.sentence(0, number) for number in range(2, 1000))


def _tool_of(prompt: Prompt) -> str:
    """The tool to call: the one that is forced, or the first one where the model may."""
    if prompt.forced and any(one.name == prompt.forced for one in prompt.tools):
        return prompt.forced
    return prompt.tools[0].name if prompt.tools else ""
