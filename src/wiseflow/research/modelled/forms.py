"""The forms of answers that models are asked for, as pydantic models with their JSON schemas.

What comes is taken as it is meant, where that is clear: one text for a list of texts, a number for
a text, a text for an object that holds little else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

MOST_FAULTS = 5
M = TypeVar("M", bound=BaseModel)


class Faulty(ValueError):
    """An answer that is not of the form that was asked for.

    Args:
        faults: what is wrong, each as a line that names the field.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def _as_list(value: object) -> object:
    """One thing where a list of things is meant; nothing is an empty list."""
    if value is None:
        return []
    return list(cast("Iterable[object]", value)) if isinstance(value, list | tuple) else [value]


def _objects_with(key: str) -> BeforeValidator:
    """Takes a list of texts for one of objects that hold nothing but ``key``."""

    def read(value: object) -> object:
        if not isinstance(value, list):
            return value
        items = cast("list[object]", value)
        return [{key: item} if isinstance(item, str) else item for item in items]

    return BeforeValidator(read)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_optional_text(value: object) -> object:
    return value if isinstance(value, str) else ""


Text = Annotated[str, BeforeValidator(_as_text)]
OptionalText = Annotated[str, BeforeValidator(_as_optional_text)]
Texts = Annotated[list[Text], BeforeValidator(_as_list)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore")


class SectionForm(_Form):
    """A section of a plan."""

    title: Text = Field(min_length=1)
    queries: Texts = []


class PlanForm(_Form):
    """A plan."""

    title: OptionalText = ""
    language: OptionalText = ""
    sections: Annotated[list[SectionForm], _objects_with("title")] = Field(min_length=1)


class ClaimForm(_Form):
    """A sentence that rests on passages."""

    text: Text = Field(
        min_length=1, validation_alias=AliasChoices("text", "claim", "sentence", "statement")
    )
    passages: Texts = Field(
        default=[],
        validation_alias=AliasChoices(
            "passages", "passage", "ids", "citations", "sources", "cites"
        ),
    )
    quote: OptionalText = ""


class SectionTextForm(_Form):
    """The text of a section."""

    claims: Annotated[list[ClaimForm], _objects_with("text")] = Field(
        validation_alias=AliasChoices("claims", "sentences", "statements")
    )


class ReadingForm(_Form):
    """What passages show."""

    answered: bool = False
    passages: Texts = Field(
        default=[], validation_alias=AliasChoices("passages", "relevant", "ids", "sources")
    )
    entities: Texts = []
    questions: Texts = Field(
        default=[], validation_alias=AliasChoices("questions", "queries", "next", "follow_ups")
    )


class RemarkForm(_Form):
    """Why a section is to be mended."""

    section: Text = Field(min_length=1, validation_alias=AliasChoices("section", "id", "number"))
    problem: OptionalText = ""
    queries: Texts = []


class CritiqueForm(_Form):
    """What is wanting in a report."""

    needs_more: list[RemarkForm] = Field(
        validation_alias=AliasChoices("needs_more", "sections", "remarks")
    )


class SummedForm(_Form):
    """A sentence that rests on claims."""

    text: Text = Field(min_length=1, validation_alias=AliasChoices("text", "claim", "sentence"))
    claims: Texts = Field(
        default=[], validation_alias=AliasChoices("claims", "ids", "citations", "passages", "cites")
    )


class SummaryForm(_Form):
    """A summary."""

    claims: Annotated[list[SummedForm], _objects_with("text")] = Field(
        min_length=1, validation_alias=AliasChoices("claims", "summary", "sentences")
    )
    not_found: Texts = []


class JudgementForm(_Form):
    """What a judge says of a claim, and what could stand in its place."""

    claim: Text = Field(default="", validation_alias=AliasChoices("claim", "id"))
    verdict: Text = Field(
        default="", validation_alias=AliasChoices("verdict", "judgement", "judgment", "label")
    )
    quote: OptionalText = ""
    text: OptionalText = Field(
        default="", validation_alias=AliasChoices("text", "rewritten", "sentence")
    )
    passages: Texts = Field(
        default=[], validation_alias=AliasChoices("passages", "passage", "ids", "citations")
    )


class JudgementsForm(_Form):
    """What a judge says of all claims that it is shown."""

    judgements: list[JudgementForm] = Field(
        min_length=1, validation_alias=AliasChoices("judgements", "judgments", "verdicts", "claims")
    )


def schema_of(form: type[BaseModel]) -> Mapping[str, object]:
    """The JSON schema of a form, as the strictest servers want it.

    No references, no defaults, nothing beyond what is named, everything required.
    Source: OpenAI, "Structured model outputs", supported schemas.
    """
    whole = form.model_json_schema(by_alias=False)
    return cast("Mapping[str, object]", _plain(whole, whole.get("$defs", {})))


def read_form(form: type[M], value: object) -> M:
    """A value as a form. Raises ``Faulty`` with what is wrong, by field."""
    try:
        return form.model_validate(value)
    except ValidationError as error:
        raise Faulty(*_faults(error)) from error


def _faults(error: ValidationError) -> list[str]:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return [
        f"{'.'.join(str(part) for part in fault['loc']) or 'the whole answer'}: {fault['msg']}"
        for fault in faults[:MOST_FAULTS]
    ]


def _plain(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    node = cast("dict[str, Any]", schema)
    if "$ref" in node:
        return _plain(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if node.get("type") == "object":
        inner = {key: _plain(value, definitions) for key, value in node["properties"].items()}
        return {
            "type": "object",
            "properties": inner,
            "required": list(inner),
            "additionalProperties": False,
        }
    return {key: _plain(node[key], definitions) for key in ("type", "items") if key in node}
