"""Secrets at rest: sealed, bound to their names, and read by those who have the key."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from wiseflow.app import open_application
from wiseflow.app.sealing import SealedTexts, SecretBox, new_master
from wiseflow.app.services.secrets import NAMES, SecretsService
from wiseflow.app.services.webhooks import WebhooksService
from wiseflow.core.access import LOCAL, Principal, Scope
from wiseflow.core.errors import ConfigurationError, Forbidden, InvalidInput
from wiseflow.core.webhooks import WebhookSpec
from wiseflow.settings.loading import load_settings

CANARY = "canary-4f9a0c1e77"
OLD, NEW = new_master(), new_master()


def settings(tmp_path, *masters: str, **given: str):
    environ = {
        "WISEFLOW_DATA_DIR": str(tmp_path),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
        "WISEFLOW_SECRET_KEY": ",".join(masters),
    }
    return load_settings(environ={**environ, **given}, dotenv=None)


async def keep(tmp_path, *masters: str, value: str = CANARY) -> None:
    async with open_application(settings(tmp_path, *masters)) as app:
        await SecretsService(app, LOCAL).set("TAVILY_API_KEY", value)


async def key_seen(tmp_path, *masters: str, **given: str) -> tuple[str, str]:
    async with open_application(settings(tmp_path, *masters, **given)) as app:
        return app.settings.provider_key("tavily"), app.settings.origin("TAVILY_API_KEY")


def test_what_was_sealed_is_opened_and_looks_different_each_time():
    box = SecretBox([OLD])
    one, other = box.seal("A", CANARY), box.seal("A", CANARY)

    assert box.open(one) == box.open(other) == CANARY
    assert one.sealed != other.sealed
    assert CANARY not in one.sealed


def test_a_secret_cannot_be_put_in_anothers_place_or_changed():
    box = SecretBox([OLD])
    sealed = box.seal("A", CANARY)
    flipped = ("B" if sealed.sealed[20] != "B" else "C").join(
        (sealed.sealed[:20], sealed.sealed[21:])
    )

    for forged in (
        replace(sealed, name="B"),
        replace(sealed, sealed=flipped),
        replace(sealed, sealed=""),
        replace(sealed, sealed="no base 64!"),
    ):
        with pytest.raises(ConfigurationError, match="secrets set"):
            box.open(forged)


def test_an_older_key_still_reads_and_a_lost_one_says_so():
    sealed = SecretBox([OLD]).seal("A", CANARY)

    assert SecretBox([NEW, OLD]).open(sealed) == CANARY
    assert SecretBox([NEW, OLD]).key_id == SecretBox([NEW]).key_id
    with pytest.raises(ConfigurationError, match="another WISEFLOW_SECRET_KEY"):
        SecretBox([NEW]).open(sealed)


def test_a_text_is_sealed_where_there_is_a_key_and_read_as_it_was_kept():
    plain, old, new = (SealedTexts(keys, name="a") for keys in ([], [OLD], [NEW, OLD]))

    assert plain.seal(CANARY) == CANARY
    assert CANARY not in old.seal(CANARY)
    for box in (old, new):
        assert box.unseal(CANARY) == CANARY
        assert box.unseal(old.seal(CANARY)) == CANARY
    for box in (plain, SealedTexts([NEW], name="a"), SealedTexts([OLD], name="b")):
        with pytest.raises(ConfigurationError):
            box.unseal(old.seal(CANARY))
    with pytest.raises(ConfigurationError, match="damaged"):
        old.unseal("sealed:" + old.seal(CANARY).split(":")[1] + ":AAAA")


async def test_the_secret_of_a_webhook_is_not_in_the_database_and_is_sealed_anew(tmp_path):
    spec = WebhookSpec(url="http://127.0.0.1:9/")
    network = {"FETCH_ALLOWED_NETWORKS": "127.0.0.0/8"}
    async with open_application(settings(tmp_path, OLD, **network)) as app:
        made = await WebhooksService(app, LOCAL).add(spec)

    async with open_application(settings(tmp_path, NEW, OLD, **network)) as app:
        assert await SecretsService(app, LOCAL).rotate() == 1
    async with open_application(settings(tmp_path, NEW, **network)) as app:
        [kept] = (await app.upkeep.webhooks.secrets()).values()
        assert app.upkeep.box.unseal(kept) == made.secret
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all(made.secret.encode() not in path.read_bytes() for path in files)


async def test_a_kept_secret_is_a_setting_that_others_override(tmp_path):
    await keep(tmp_path, OLD)

    assert await key_seen(tmp_path, OLD) == (CANARY, "secrets")
    assert await key_seen(tmp_path, OLD, TAVILY_API_KEY="mine") == ("mine", "environment")
    assert await key_seen(tmp_path) == ("", "default")
    assert await key_seen(tmp_path, NEW) == ("", "default")


async def test_after_rotating_the_old_key_is_not_needed(tmp_path):
    await keep(tmp_path, OLD)

    async with open_application(settings(tmp_path, NEW, OLD)) as app:
        assert await SecretsService(app, LOCAL).rotate() == 1

    assert await key_seen(tmp_path, NEW) == (CANARY, "secrets")


async def test_it_stands_in_the_clear_in_no_file(tmp_path):
    await keep(tmp_path, OLD)

    with sqlite3.connect(tmp_path / "wiseflow.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "TAVILY_API_KEY" in dump
    assert CANARY not in dump
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes()


async def test_without_a_key_of_its_own_nothing_is_kept(tmp_path):
    with pytest.raises(ConfigurationError, match="new-key"):
        await keep(tmp_path)
    with pytest.raises(ConfigurationError, match="fewer than 32"):
        await keep(tmp_path, "short")


async def test_only_secret_settings_are_kept_and_only_by_the_first_tenants_administrator(tmp_path):
    assert "WISEFLOW_SECRET_KEY" not in NAMES
    async with open_application(settings(tmp_path, OLD)) as app:
        service = SecretsService(app, LOCAL)
        for name, value in (("LOG_LEVEL", "x"), ("TAVILY_API_KEY", ""), ("EXA_API_KEY", "a\nb")):
            with pytest.raises(InvalidInput) as refused:
                await service.set(name, value)
            assert "a\nb" not in str(refused.value)
        theirs = Principal(name="x", tenant="acme", scope=Scope.ADMIN)
        with pytest.raises(Forbidden):
            await SecretsService(app, theirs).secrets()
