"""How an endpoint wants to be asked: what it refuses is left out from then on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from wiseflow.providers.shapes import fields_of, objects_of

LONGEST_COMPLAINT = 4096


class Form(StrEnum):
    """How an answer in JSON is asked for; the later ones ask less of the endpoint."""

    SCHEMA = "json_schema"
    TOOL = "tool"
    # llama.cpp's servers and others that run open models: an object whose schema stands beside it.
    OBJECT_OF_SCHEMA = "json_object with its schema"
    OBJECT = "json_object"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one model of one endpoint is asked.

    Args:
        forms: how JSON may be asked for, the best first; the first is used, at least one is left.
        temperature: whether it may be told; models that reason refuse it.
        completion_tokens: whether the bound of the answer is called ``max_completion_tokens``
            rather than ``max_tokens``.
        bound_changed: whether that was found out by a refusal, which holds only once.
        stream_usage: whether a streamed answer may be asked to end with its use.
    """

    forms: tuple[Form, ...] = (Form.SCHEMA, Form.OBJECT_OF_SCHEMA, Form.OBJECT, Form.PROMPT)
    temperature: bool = True
    completion_tokens: bool = False
    bound_changed: bool = False
    stream_usage: bool = True

    def without(self, complaint: str, *, structured: bool) -> Dialect | None:
        """How to ask after a refusal; ``None`` when another way would not help.

        Args:
            complaint: what the endpoint refuses, in its words.
            structured: whether an answer in JSON was asked for.
        """
        if structured and len(self.forms) > 1 and _FORMS.search(complaint):
            return replace(self, forms=self.forms[1:])
        if self.stream_usage and "stream_options" in complaint:
            return replace(self, stream_usage=False)
        if not _UNSUPPORTED.search(complaint):
            return None
        if self.temperature and "temperature" in complaint:
            return replace(self, temperature=False)
        # OpenAI's message names both: "'max_tokens' is not supported. Use 'max_completion_tokens'".
        if not self.bound_changed and "max_completion_tokens" in complaint:
            return replace(self, completion_tokens=not self.completion_tokens, bound_changed=True)
        return None


_FORMS: Final = re.compile(
    r"response_format|json_schema|json_object|json mode|structured output|guided|grammar"
    r"|tool_choice|\btools?\b|function call"
)
# As against a value that is too large, which another name would not help.
_UNSUPPORTED: Final = re.compile(
    r"unsupported|not supported|unrecognized|unknown|unexpected|not permitted|extra_forbidden"
    r"|not allowed|deprecated|does not support"
)


def complaint_of(body: object) -> str:
    """What a refusal is about, in lower case: the parameter it names, else its message.

    Only these are looked at, as some endpoints quote the whole request.
    """
    error = body
    for name in ("error", "detail"):  # OpenAI's {"error": {…}}, FastAPI's {"detail": [{…}]}
        error = fields_of(error).get(name, error)
    said = [
        [one.get(name) for name in ("param", "message", "loc", "type", "msg")]
        for one in (fields_of(error), *objects_of(error))
    ]
    text = error if isinstance(error, str) else json.dumps(said, default=str)
    return text[:LONGEST_COMPLAINT].lower()
