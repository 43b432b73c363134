"""What statuses, and the words that come with them, mean."""

import json

import pytest
from tests.providers.servers import KEY, endpoint

from wiseflow.core.errors import (
    AuthFailed,
    BadRequest,
    CallTimeout,
    ConnectionRefused,
    ContentRefused,
    ContextTooLong,
    ModelMissing,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.core.limits import Allowance, Dimension
from wiseflow.providers.statuses import Answered, status_failure, status_kind, told_kind

NOW = 1_800_000_000.0


def error(**told):
    return json.dumps({"error": told}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (301, b"", BadRequest),
        (400, b"", BadRequest),
        (400, error(code="context_length_exceeded"), ContextTooLong),
        (400, error(type="invalid_request_error", message="prompt is too long: 210000 tokens"),
         ContextTooLong),
        (400, error(type="exceed_context_size_error"), ContextTooLong),
        (400, error(code="content_policy_violation"), ContentRefused),
        (400, error(message="Your credit balance is too low to access the API"), QuotaSpent),
        (401, b"", AuthFailed),
        (402, b"", QuotaSpent),
        (403, b"", AuthFailed),
        (403, error(code="model_not_found"), ModelMissing),
        (404, b"", BadRequest),
        (404, error(code="model_not_found"), ModelMissing),
        (404, b'{"error":"model \'llama9\' not found"}', ModelMissing),
        (404, error(type="not_found_error", message="model: claude-0"), ModelMissing),
        (407, b"", ConnectionRefused),
        (408, b"", CallTimeout),
        (413, b"", ContextTooLong),
        (422, b"", BadRequest),
        (429, b"", RateLimited),
        (429, error(code="insufficient_quota"), QuotaSpent),
        (429, error(message="context window"), RateLimited),
        (432, b"", QuotaSpent),
        (433, b"", QuotaSpent),
        (500, b"", ProviderDown),
        (503, error(message="insufficient_quota"), ProviderDown),
        (504, b"", CallTimeout),
        (529, b"", ProviderDown),
        (599, b"\xff\xfe", ProviderDown),
    ],
)  # fmt: skip
def test_a_status_with_its_words_is_one_kind_of_error(status, body, kind):
    assert status_kind(status, body) is kind


def test_words_far_into_a_long_body_are_not_looked_for():
    assert told_kind(b"x" * 20_000 + b"insufficient_quota") is None


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "refuses the key (HTTP 401). Set TAVILY_API_KEY"),
        (402, "quota is used up (HTTP 402). Add to its quota, or set TAVILY_API_KEY"),
        (404, "has nothing at that address (HTTP 404). Check TAVILY_API_BASE"),
        (302, "sends on to another address, which is not followed (HTTP 302)"),
        (400, "refuses the request as it is"),
        (407, "HTTPS_PROXY"),
        (429, "sent too much"),
        (503, "cannot answer now"),
    ],
)
def test_an_error_names_who_answered_and_the_setting_that_cures_it(status, told):
    failure = status_failure(
        endpoint("https://api.example.org/v1"), Answered(status=status, headers={}), now=NOW
    )

    assert str(failure).startswith("tavily at https://api.example.org ")
    assert told in str(failure)
    assert failure.provider == "tavily"


def test_settings_of_another_name_are_named():
    asked = endpoint("https://api.example.org", provider="openai", settings="LLM")

    failure = status_failure(asked, Answered(status=401, headers={}), now=NOW)

    assert "LLM_API_KEY" in str(failure)


def test_a_missing_model_is_named():
    answered = Answered(status=404, headers={}, body=b'{"error": {"code": "model_not_found"}}')

    failure = status_failure(endpoint("https://a.b"), answered, now=NOW, model="gpt-0")

    assert isinstance(failure, ModelMissing)
    assert "'gpt-0'" in str(failure)


def test_the_headers_of_a_refusal_are_kept():
    headers = {"Retry-After": "9", "x-ratelimit-limit-requests": "60"}

    failure = status_failure(
        endpoint("https://a.b"), Answered(status=429, headers=headers), now=NOW
    )

    assert failure.retry_after_s == 9
    assert failure.allowances == (Allowance(dimension=Dimension.REQUESTS, limit=60),)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500])
def test_no_word_of_the_other_side_and_no_key_is_in_an_error(status):
    body = json.dumps({"error": {"message": f"wrong key {KEY} for query my-secret-topic"}}).encode()

    failure = status_failure(
        endpoint(f"https://user:{KEY}@a.b/{KEY}"),
        Answered(status=status, headers={"x": KEY}, body=body),
        now=NOW,
    )

    assert KEY not in f"{failure} {failure!r} {failure.__dict__}"
    assert "my-secret-topic" not in f"{failure!r}"
