from __future__ import annotations

import pytest

from wiseflow.providers.dialect import Dialect, Form, complaint_of


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Invalid parameter", "param": "response_format"}},
        {"error": "json_schema is not supported"},
        {"detail": [{"loc": ["body", "response_format"], "type": "extra_forbidden", "msg": "no"}]},
        {"message": "This model does not support response_format"},
        "response_format: unknown field",
    ],
)
def test_a_refused_form_is_followed_by_the_next(body):
    dialect = Dialect()

    forms = []
    while dialect:
        forms.append(dialect.forms[0])
        dialect = dialect.without(complaint_of(body), structured=True)

    assert forms == [Form.SCHEMA, Form.OBJECT_OF_SCHEMA, Form.OBJECT, Form.PROMPT]


def test_what_is_quoted_of_the_request_is_no_complaint():
    body = {"error": {"message": "bad"}, "request": {"response_format": {}, "temperature": 0}}

    assert Dialect().without(complaint_of(body), structured=True) is None


def test_a_refused_temperature_is_left_out():
    complaint = complaint_of(
        {"error": {"message": "Unsupported value: 'temperature' does not support 0.0"}}
    )

    dialect = Dialect().without(complaint, structured=False)

    assert dialect == Dialect(temperature=False)
    assert dialect is not None
    assert dialect.without(complaint, structured=False) is None


def test_the_bound_gets_its_other_name_only_once():
    complaint = "unsupported parameter: 'max_tokens'. use 'max_completion_tokens' instead"

    dialect = Dialect().without(complaint, structured=False)

    assert dialect is not None
    assert dialect.completion_tokens
    assert dialect.without(complaint, structured=False) is None


def test_a_bound_that_is_too_large_keeps_its_name():
    complaint = "max_completion_tokens is too large: 200000"

    assert Dialect(completion_tokens=True).without(complaint, structured=False) is None


def test_stream_options_are_left_out_where_they_are_not_known():
    dialect = Dialect().without("extra field: stream_options", structured=False)

    assert dialect == Dialect(stream_usage=False)


def test_a_form_is_not_blamed_where_none_was_asked_for():
    assert Dialect().without("response_format", structured=False) is None
