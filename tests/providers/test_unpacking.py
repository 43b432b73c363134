"""Bodies are unpacked in bounded pieces."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.core.errors import BadRequest, MalformedOutput
from wiseflow.providers.unpacking import PIECE, Unpacker

TEXT = b"Tides are the rise and fall of sea levels. " * 5_000


def bare(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "": bytes}


def unpacked(encoding, data, size=1000):
    unpacker = Unpacker(encoding)
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    pieces = [piece for part in parts for piece in unpacker.feed(part)]
    unpacker.close()
    return b"".join(pieces)


@given(st.sampled_from(sorted(PACKED)), st.binary(max_size=2000), st.integers(1, 300))
def test_what_was_packed_comes_out_however_it_is_cut(encoding, data, size):
    assert unpacked(encoding, PACKED[encoding](data), size) == data


def test_deflate_without_its_wrapper_is_understood():
    assert unpacked("deflate", bare(TEXT)) == TEXT


def test_a_gzip_of_several_members_is_read_to_its_end():
    assert unpacked("GZIP ", gzip.compress(TEXT) + gzip.compress(b"more")) == TEXT + b"more"


def test_what_follows_the_last_member_is_left_out():
    assert unpacked("gzip", gzip.compress(b"well") + b"\x00" * 50) == b"well"


def test_a_bomb_comes_in_small_pieces():
    bomb = gzip.compress(bytes(50_000_000))

    piece = next(Unpacker("gzip").feed(bomb))

    assert len(piece) <= PIECE


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress", "x"])
def test_what_was_not_asked_for_is_refused(encoding):
    with pytest.raises(BadRequest):
        Unpacker(encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_packed_as_told_is_told(encoding):
    with pytest.raises(MalformedOutput):
        unpacked(encoding, b"<html>this is plain text</html>")


def test_what_is_cut_off_is_told():
    with pytest.raises(MalformedOutput, match="cut off"):
        unpacked("gzip", gzip.compress(TEXT)[:-20])


def test_members_without_end_are_refused():
    with pytest.raises(MalformedOutput, match="too many parts"):
        unpacked("gzip", gzip.compress(b"") * 2_000)
