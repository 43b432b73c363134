"""Every route against everybody who may call it and may not; see ``who_may``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from wiseflow.core.access import Scope
from wiseflow.core.keys import new_key_text
from wiseflow.server.factory import create_app
from wiseflow.server.scopes import OPEN_PATHS, undeclared

from .who_may import ROWS, SCHEDULE, WEBHOOK, Row

SCOPES = list(Scope)


@pytest.fixture
async def asked(application):
    """Asks the server from another machine, by what a key is called; see ``keys``."""
    transport = httpx2.ASGITransport(create_app(application), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as asking:
        yield asking


async def call(asked: httpx2.AsyncClient, row: Row, made: dict[str, str], key: str | None) -> int:
    method, path = row.route.split()
    headers = {} if key is None else {"X-API-Key": key}
    extra: dict[str, Any] = {} if row.body is None else {"json": row.body}
    if row.form is not None:
        extra = {"data": row.form}
    named = made | {name: made[other] for name, other in row.instead.items()}
    answer = await asked.request(
        method,
        path.replace(":path", "").format(**named),
        headers=headers,
        params=row.query,
        **extra,
    )
    if answer.status_code == 401 and not row.route.endswith("/login"):
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return int(answer.status_code)


async def made_by(
    asked: httpx2.AsyncClient, key: str, what: str, body: Mapping[str, object]
) -> str:
    answer = await asked.post(f"/api/v1/{what}", json=body, headers={"X-API-Key": key})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def expected(row: Row) -> dict[str, int]:
    """The status that each caller is to get."""
    if row.needs is None:
        return dict.fromkeys(("none", "wrong", "revoked", "other", "right"), row.right)
    weak = {"weak": 403} if row.needs is not Scope.READ else {}
    refused = dict.fromkeys(("none", "wrong", "revoked"), row.unknown)
    return refused | weak | {"other": row.for_others, "right": row.right}


async def test_every_route_answers_everybody_as_documented(asked, application, keys):
    right = {scope: (await keys(scope=scope, tenant="acme")).text for scope in SCOPES}
    other = {scope: (await keys(scope=scope, tenant="other")).text for scope in SCOPES}
    chief = (await keys(scope=Scope.ADMIN)).text
    revoked = await keys(scope=Scope.ADMIN, tenant="acme", revoked=True)
    submitted = await asked.post(
        "/api/v1/research/parallel",
        json={"topics": ["Tides", "Rain"]},
        headers={"X-API-Key": right[Scope.RUN]},
    )
    [research, spare] = submitted.json()["researches"]
    made = {
        "research_id": research["id"],
        "spare_id": spare["id"],
        "name": "EXA_API_KEY",
        "key_id": (await keys(scope=Scope.READ, tenant="acme")).key.key_id,
        "schedule_id": await made_by(asked, right[Scope.RUN], "schedules", SCHEDULE),
        "webhook_id": await made_by(asked, right[Scope.ADMIN], "webhooks", WEBHOOK),
        "view": "log",
        "form": "markdown",
        **dict.fromkeys(
            ("share_id", "token", "source_id", "question_id", "collection", "rest"), "nothing"
        ),
    }

    found: dict[str, dict[str, int]] = {}
    for row in ROWS:
        needed = row.needs or Scope.READ
        callers = {
            "none": None,
            "wrong": new_key_text(),
            "revoked": revoked.text,
            "weak": right[SCOPES[max(0, SCOPES.index(needed) - 1)]],
            "other": other[needed],
            "right": chief if row.chief else right[needed],
        }
        found[row.route] = {
            caller: await call(asked, row, made, callers[caller]) for caller in expected(row)
        }

    wrong = {row.route: found[row.route] for row in ROWS if found[row.route] != expected(row)}
    assert wrong == {}


def test_every_route_has_a_line_in_the_table(application):
    app = create_app(application)
    routes = {
        f"{method} {context.path}"
        for context in iter_route_contexts(app.routes)
        if context.path not in OPEN_PATHS
        for method in (context.methods or {"MOUNT"}) - {"HEAD"}
    }

    assert routes == {row.route for row in ROWS}, "a new route needs a line in who_may.ROWS"


def test_every_route_says_who_may_call_it(application):
    assert undeclared(create_app(application)) == []


async def test_a_route_that_does_not_say_who_may_call_it_is_refused(application, keys):
    app = create_app(application, host="127.0.0.1")
    called = []

    @app.get("/forgotten")
    async def forgotten() -> None:  # pyright: ignore[reportUnusedFunction]
        called.append(1)

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as asking:
        answer = await asking.get("/forgotten")

    assert answer.status_code == 403
    assert called == []
    assert undeclared(app) == ["GET /forgotten"]


async def test_what_is_done_with_a_key_of_the_first_tenant_reaches_all_keys(asked, keys):
    chief = (await keys(scope=Scope.ADMIN, tenant="")).text
    theirs = (await keys(scope=Scope.READ, tenant="acme")).key

    answer = await asked.post(f"/api/v1/keys/{theirs.key_id}/revoke", headers={"X-API-Key": chief})

    assert answer.status_code == 200
    assert answer.json()["live"] is False


async def test_an_administrator_of_a_tenant_makes_no_key_for_another(asked, keys):
    theirs = (await keys(scope=Scope.ADMIN, tenant="acme")).text

    for tenant in ("", "other"):
        answer = await asked.post(
            "/api/v1/keys", json={"name": "x", "tenant": tenant}, headers={"X-API-Key": theirs}
        )
        assert answer.status_code == 403
