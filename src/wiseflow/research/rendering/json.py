"""The JSON form of a report: a contract, key for key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from wiseflow.core.errors import InvalidInput
from wiseflow.core.report import Report

_REPORT: TypeAdapter[Report] = TypeAdapter(Report)


def report_to_json(report: Report) -> dict[str, object]:
    """The report as JSON values, keys in the order of the contract."""
    return cast("dict[str, object]", _REPORT.dump_python(report, mode="json"))


def report_to_text(report: Report) -> str:
    """The report as one line of JSON."""
    return _REPORT.dump_json(report).decode()


def report_from_json(form: Mapping[str, Any]) -> Report:
    """The report that ``form`` is the JSON form of.

    Raises:
        InvalidInput: a key is missing or has a value of the wrong kind; the first one is named.
    """
    try:
        return _REPORT.validate_python(form)
    except ValidationError as error:
        raise _not_a_report(error) from error


def report_from_text(text: str) -> Report:
    """The report that one line of JSON holds. Raises ``InvalidInput``."""
    try:
        return _REPORT.validate_json(text)
    except ValidationError as error:
        raise _not_a_report(error) from error


def _not_a_report(error: ValidationError) -> InvalidInput:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    return InvalidInput(
        f"this is not a report: {place}: {first['msg']}",
        cure="Give the JSON that `wiseflow report ID --format json` prints",
    )
