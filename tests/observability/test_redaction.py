from __future__ import annotations

import base64
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.observability.logs import bind_context, configure_logging, get_logger
from wiseflow.observability.options import LogOptions
from wiseflow.observability.redaction import (
    LONGEST_READ,
    LONGEST_TEXT,
    Redactor,
    mask_url_passwords,
)

# Known to the settings: of every shape a key or a password has.
KNOWN = (
    [f"canary-{number:02}-{'x' * number}" for number in range(20)]
    + [f"canary {number} \"quoted\" 'n' \\ é\n&=" for number in range(10)]
    + [f"9{number}87654321" for number in range(10)]
    + [f"canary/{number}+{number}==" for number in range(10)]
)
# Known to nobody: only their form gives them away.
UNKNOWN = [
    "sk-canary0123456789abcdef",
    "sk-proj-canary0123456789abcdef",
    "tvly-canary0123456789abcdef",
    "pplx-canary0123456789abcdef",
    "ghp_canary0123456789abcdefghij",
    "xoxb-canary-0123456789",
    "AKIACANARY0123456789",
    "AIzacanary0123456789abcdefghijklmnopqrs",
    "eyJcanaryA.eyJcanaryB.canaryC",
    "Bearer canary.0123456789",
    "Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==",
    "basic Y2FuYXJ5OmNhbmFyeQ==",
    "api_key=canary",
    "X-API-Key: canary",
    '{"password": "canary"}',
    '{\\"api_key\\": \\"canary\\"}',
    "https://user:canary@host/path",
    "postgresql+psycopg://user:ca@nary/canary@host/db",
    "redis://:canary@host:6379/0",
    "https://host/?q=1&token=canary&x=2",
    "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncanary",
]


class Holder:
    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"<Holder {self.secret}>"


def fail(secret: str) -> None:
    cause = ValueError(secret)
    cause.add_note(secret)
    raise RuntimeError(f"outer {secret}") from cause


def say_everywhere(secret: str) -> None:
    """Put a secret into every part a record has."""
    logger = get_logger("wiseflow.test")
    message = f"A message with {secret} in it."
    logger.info(message)
    logger.info("Fields.", text=f"a {secret} b", alone=secret, **{secret: "as a name"})
    logger.info("Nested.", items=[secret, (secret, {secret})], mapping={secret: {"x": secret}})
    logger.info("Objects.", raw=secret.encode(), holder=Holder(secret), error=ValueError(secret))
    logger.info("Deep.", deep=[[[[[[[[Holder(secret)]]]]]]]])
    if secret.isdigit():
        logger.info("Numbers.", number=int(secret), numbers=[int(secret)])
    with bind_context(job_id=secret):
        logger.info("Bound.")
    try:
        fail(secret)
    except RuntimeError:
        logger.exception("It failed.")
    library = logging.getLogger("some.library")
    library.warning("with %s", secret, stack_info=True)
    library.warning("%r %s", {"k": secret}, json.dumps({"k": secret}))


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("secret", KNOWN)
def test_a_known_secret_is_in_no_part_of_a_line(log_file, capsys, form, secret):
    configure_logging(
        LogOptions(format=form, file=log_file, console_level="DEBUG", secrets=tuple(KNOWN))
    )

    say_everywhere(secret)

    written = log_file.read_text("utf-8") + capsys.readouterr().err
    assert written.count("[hidden]") > 20
    assert secret not in written
    assert json.dumps(secret)[1:-1] not in written
    assert "canary" not in written


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("secret", UNKNOWN)
def test_what_looks_like_a_secret_is_in_no_part_of_a_line(log_file, form, secret):
    configure_logging(LogOptions(format=form, file=log_file, console=False))

    say_everywhere(secret)

    written = log_file.read_text("utf-8")
    assert "canary" not in written.lower()
    assert "Y2FuYXJ5" not in written


@pytest.mark.parametrize(
    "name", ["password", "api_key", "llm_api_key", "X-API-Key", "access_token", "Authorization"]
)
def test_a_field_named_like_a_secret_is_hidden_whatever_it_holds(name):
    assert Redactor().fields({name: "x", "in": [{name: ["x"]}]}) == {
        name: "[hidden]",
        "in": [{name: "[hidden]"}],
    }


def test_counts_and_ordinary_words_are_left_alone():
    fields = {
        "tokens": 12,
        "token": None,
        "max_tokens": 5,
        "text": "The secret of the sk-y is a token of a basic idea; the author: X, key=5.",
        "url": "https://host:8000/a?q=1",
        "ok": True,
    }

    assert Redactor(["abc", ""]).fields(fields) == fields


def test_a_secret_is_hidden_in_an_address_and_in_json():
    redactor = Redactor(['p@ss/w ö"d'])

    for text in (
        "x?k=p%40ss%2Fw%20%C3%B6%22d",
        json.dumps('p@ss/w ö"d'),
        json.dumps('p@ss/w ö"d', ensure_ascii=False),
        repr('p@ss/w ö"d'),
    ):
        assert "[hidden]" in redactor.text(text)
        assert "ss" not in redactor.text(text)


def test_the_longest_of_overlapping_secrets_is_hidden_whole():
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh abcd") == "[hidden] [hidden]"


def test_long_texts_and_lists_are_cut_after_secrets_are_out():
    redactor = Redactor(["canary"])
    text = "x" * (LONGEST_TEXT - 3) + "canary" + "y" * 100

    assert "can" not in redactor.text(text)
    assert redactor.text(text).endswith("… [cut]")
    assert redactor.fields({"many": [1] * 1000}) == {"many": [1] * 200}


def test_a_secret_cut_in_two_at_the_end_of_what_is_read_is_not_shown():
    secret = "canary" * 100
    assert LONGEST_READ % len(secret) != 0

    assert "canary" not in Redactor([secret]).text(secret * 300)


@pytest.mark.parametrize(
    "piece",
    ["a", "eyJ-", "eyJaaaaa.", "http://a:", "basic ", "api_key\\", "sk-", "-----BEGIN ", ":@"],
)
def test_hostile_text_does_not_hold_up_the_log(piece):
    assert Redactor(["canary"]).text(piece * 1_000_000).endswith("… [cut]")


@given(st.text(min_size=4), st.text(), st.text())
def test_any_secret_of_four_characters_is_gone_from_any_text(secret, before, after):
    redacted = Redactor([secret]).text(before + secret + after)

    assert "[hidden]" in redacted
    if not any(part in "[hidden]" for part in (secret, secret[:1], secret[-1:])):
        assert secret not in redacted


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:[hidden]@h/d"),
        ("redis://:p@h", "redis://:[hidden]@h"),
        ("see http://u:p@h and http://x:8000/", "see http://u:[hidden]@h and http://x:8000/"),
        ("sqlite:///data/wiseflow.db", "sqlite:///data/wiseflow.db"),
    ],
)
def test_the_password_of_an_address_is_masked(address, masked):
    assert mask_url_passwords(address) == masked


def test_basic_credentials_are_hidden_however_they_are_encoded():
    encoded = base64.b64encode(b"user:canary-password").decode()

    assert encoded not in Redactor().text(f"curl -H 'Authorization: Basic {encoded}'")
