"""The version of the program, as its package says."""

from __future__ import annotations

VERSION = "0.1.0"
