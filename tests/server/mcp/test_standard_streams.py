"""Lines in and out over pipes, and who else may not use them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import contextmanager

from hypothesis import given
from hypothesis import strategies as st

from wiseflow.server.mcp.standard_streams import MOST_LINE_BYTES, LinesIn, LinesOut


@contextmanager
def pipe():
    """Both ends, and what closes one: once, as its number may be another file's after that."""
    reading, writing = os.pipe()
    still_open = {reading, writing}

    def close(descriptor):
        if descriptor in still_open:
            still_open.remove(descriptor)
            os.close(descriptor)

    try:
        yield reading, writing, close
    finally:
        close(writing)
        # Whoever still reads must find the end before the number is another pipe's.
        for thread in threading.enumerate():
            if thread.name == "standard input":
                thread.join(10)
        close(reading)


def read_all(parts: list[bytes]) -> list[str]:
    """The lines of what is written in parts."""

    async def read():
        with pipe() as (reading, writing, close):
            lines = LinesIn(reading)

            def write():
                for part in parts:
                    os.write(writing, part)
                close(writing)

            writer = asyncio.create_task(asyncio.to_thread(write))
            found = [line async for line in lines]
            await writer
            return found

    return asyncio.run(asyncio.wait_for(read(), 30))


@given(
    st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8")), max_size=5), st.data()
)
def test_lines_are_read_as_they_were_written_however_they_are_cut(texts, data):
    whole = "".join(f"{text}\n" for text in texts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert read_all([part for part in parts if part]) == texts


def test_what_is_no_utf_8_is_replaced_and_the_rest_without_an_end_is_left_out():
    assert read_all([b"a\xffb\nbroken off"]) == ["a�b"]


def test_a_line_that_never_ends_ends_the_reading():
    assert read_all([b"first\n", *[b"x" * 65_536] * (MOST_LINE_BYTES // 65_536 + 2)]) == ["first"]


async def test_who_waits_for_a_line_can_leave():
    with pipe() as (reading, _, _):
        waiting = asyncio.create_task(anext(LinesIn(reading)))
        await asyncio.sleep(0)

        waiting.cancel()

        assert await asyncio.gather(waiting, return_exceptions=True) != [""]
        assert waiting.cancelled()


async def test_the_lines_can_be_ended_from_here():
    with pipe() as (reading, _, _):
        lines = LinesIn(reading)

        lines.end()

        assert [line async for line in lines] == []


async def test_texts_are_written_whole_and_in_order():
    with pipe() as (reading, writing, close):
        lines = LinesOut(writing, on_gone=lambda: None)
        reader = asyncio.create_task(asyncio.to_thread(_read, reading))

        await lines.write("é" * 200_000 + "\n")
        await lines.write("second\n")
        close(writing)

        assert await reader == ("é" * 200_000 + "\nsecond\n").encode()


async def test_it_is_told_when_nobody_reads_any_more():
    gone = asyncio.Event()
    with pipe() as (reading, writing, close):
        close(reading)

        await LinesOut(writing, on_gone=gone.set).write("lost\n")

    assert gone.is_set()


def test_what_others_print_goes_to_standard_error_and_they_find_no_input():
    program = """
import os, subprocess, sys
from wiseflow.server.mcp.standard_streams import claimed
with claimed() as own:
    print("printed")
    child = "import sys; print('child', repr(sys.stdin.read()))"
    subprocess.run([sys.executable, "-c", child], check=True)
    os.write(own.writing, os.read(own.reading, 100))
print("after", sys.stdin.readline())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], input="taken", capture_output=True, text=True, check=True
    )

    assert done.stdout == "takenafter \n"
    assert sorted(done.stderr.split("\n")) == ["", "child ''", "printed"]


def _read(descriptor: int) -> bytes:
    found = b""
    while part := os.read(descriptor, 65_536):
        found += part
    return found
