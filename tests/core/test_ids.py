import time
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core import ids


def test_ids_of_one_process_increase_strictly():
    made = [ids.new_id() for _ in range(10_000)]

    assert made == sorted(set(made))


def test_ids_made_by_many_threads_are_distinct():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.new_id(), range(5_000)))

    assert len(set(made)) == 5_000


def test_ids_go_on_increasing_when_the_clock_is_set_back(monkeypatch):
    before = ids.new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000)

    after = ids.new_id()

    assert after > before


def test_an_id_has_26_characters_of_the_alphabet():
    made = ids.new_id()

    assert len(made) == 26
    assert set(made) <= set(ids.ALPHABET)


@given(st.integers(0, 2**130 - 1), st.integers(0, 2**130 - 1))
def test_encoding_keeps_the_order(one, other):
    assert (ids.encode(one) < ids.encode(other)) == (one < other)
