"""Unpacks gzip without trusting how large it says it is."""

from __future__ import annotations

import gzip
import io
import zlib

from wiseflow.core.errors import DocumentError

GZIP_MAGIC = b"\x1f\x8b"
_STEP_BYTES = 1024 * 1024


def gunzip(data: bytes, *, most_bytes: int) -> bytes:
    """What a gzip file holds.

    Raises:
        DocumentError: the file is broken, or unpacks to more than ``most_bytes``.
    """
    unpacked = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while step := stream.read(_STEP_BYTES):
                unpacked += step
                if len(unpacked) > most_bytes:
                    raise DocumentError(f"the file unpacks to more than {most_bytes:,} bytes")
    except (EOFError, zlib.error, OSError) as error:
        raise DocumentError(f"the gzip file is broken: {error}") from None
    return bytes(unpacked)
