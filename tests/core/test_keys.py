"""How keys are written and told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import InvalidInput
from wiseflow.core.keys import digest_of, key_id_of, new_key_text
from wiseflow.core.tenants import check_tenant, qualified
from wiseflow.observability.redaction import Redactor

TENANTS = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,10}[a-z0-9])?", fullmatch=True) | st.just("")
NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)


def test_keys_differ_and_tell_their_ids():
    texts = {new_key_text() for _ in range(100)}

    assert len(texts) == 100
    assert len({key_id_of(text) for text in texts}) == 100
    assert all(text.startswith(f"wf_{key_id_of(text)}_") for text in texts)


def test_a_key_holds_256_random_bits():
    secret = new_key_text().rpartition("_")[2]

    assert len(secret) == 52  # of 5 bits each; 256 bits and padding


@given(st.text(max_size=300))
def test_what_is_no_key_has_no_id(text):
    assert key_id_of(text) == ""


@given(st.sampled_from(["\n", " ", "é", "A", "_"]))
def test_a_key_with_something_more_is_no_key(more):
    text = new_key_text()

    assert key_id_of(text + more) == ""
    assert key_id_of(more + text) == ""


def test_another_letter_is_another_key():
    text = new_key_text()
    other = text[:-1] + ("a" if text[-1] != "a" else "b")

    assert digest_of(text) != digest_of(other)


def test_logs_hide_a_key_but_for_its_id():
    text = new_key_text()

    shown = Redactor().text(f"sent with {text} in it")

    assert text.rpartition("_")[2] not in shown
    assert key_id_of(text) in shown


@given(TENANTS, NAMES, TENANTS, NAMES)
def test_things_of_two_tenants_are_never_called_alike(one, name, other, name_there):
    alike = qualified(one, name) == qualified(other, name_there)

    assert alike == ((one, name) == (other, name_there))


@pytest.mark.parametrize(
    "name", ["A", "a/b", "-a", "a-", "a b", "a\x1fb", "é", "a" * 64, ".", "a\n"]
)
def test_a_tenant_that_could_be_mistaken_is_refused(name):
    with pytest.raises(InvalidInput, match="tenant"):
        check_tenant(name)


@pytest.mark.parametrize("name", ["", "a", "acme", "acme-2.eu_west", "a" * 63])
def test_ordinary_names_of_tenants_are_taken(name):
    assert check_tenant(name) == name
