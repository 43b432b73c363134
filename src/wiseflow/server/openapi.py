"""The OpenAPI document: what FastAPI knows, with the errors as they are answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from wiseflow.core.version import VERSION
from wiseflow.server.problems import Problem, problems
from wiseflow.server.scopes import closed
from wiseflow.server.sessions import COOKIE

DESCRIPTION = """\
Many deep-research questions at once, every citation checked against its source.

Errors are problems (RFC 9457): `detail` says what happened, `cure` what to do, `code` of which kind
it is. Times are seconds since the epoch. Answers of 202 are of work that a worker takes up: ask
again at `Location`, no sooner than `Retry-After` says, or follow the events.
"""
TAGS = [
    {"name": "research", "description": "Researches: submit, list, plan, cancel, resume, delete."},
    {"name": "reports", "description": "What came of a research: report, sources, events."},
    {"name": "questions", "description": "Questions to reports."},
    {"name": "documents", "description": "Collections of documents of your own."},
    {"name": "schedules", "description": "Researches that are done again and again."},
    {"name": "webhooks", "description": "Addresses that are told when researches end."},
    {"name": "shares", "description": "Links that show a report to whoever has them."},
    {"name": "keys", "description": "API keys."},
    {"name": "audit", "description": "Who did what."},
    {"name": "secrets", "description": "Keys of providers, kept encrypted and never shown."},
    {"name": "metrics", "description": "What the service did and does, for Prometheus."},
    {"name": "health", "description": "Whether the service lives and works."},
]
# What ``Admission`` takes, any one of them.
SCHEMES = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "login": {"type": "apiKey", "in": "cookie", "name": COOKIE},
}
# Of FastAPI's own, in whose place problems are answered.
_REPLACED = ("HTTPValidationError", "ValidationError")
_ANY = (408, 422, 500, 503)
_WITH_KEY = (401, 403, 429)
_WITH_BODY = (400, 413, 415)


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of an application; the same object each time."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="WiseFlow", version=VERSION, description=DESCRIPTION, routes=app.routes, tags=TAGS
        )
        _tell_keys(made, closed(app))
        _tell_problems(made)
        app.openapi_schema = made
    return app.openapi_schema


def _tell_keys(document: dict[str, Any], needing: set[tuple[str, str]]) -> None:
    document.setdefault("components", {})["securitySchemes"] = SCHEMES
    for path, methods in cast("dict[str, dict[str, Any]]", document["paths"]).items():
        for method, operation in methods.items():
            if (method.upper(), path) in needing:
                operation["security"] = [{name: []} for name in SCHEMES]


def _tell_problems(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _REPLACED:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Problem"].pop("$defs")
    for path, operation in _operations(document):
        answers = operation["responses"]
        if answers.get("422", {}).get("content", {}).get("application/json"):
            del answers["422"]
        if path.startswith("/health"):
            continue
        statuses = (
            *_ANY,
            *(_WITH_KEY if "security" in operation else ()),
            *(_WITH_BODY if "requestBody" in operation else ()),
        )
        for status, told in problems(*statuses).items():
            answers.setdefault(str(status), told)
        operation["responses"] = dict(sorted(answers.items()))


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in cast("dict[str, dict[str, Any]]", document["paths"]).items():
        for operation in methods.values():
            yield path, operation
