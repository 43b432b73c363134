"""Loads what the first page would wait for; to be imported by worker processes at their start.

Importing it is what does it: the parts of trafilatura take a fifth of a second, the model that
tells languages most of one.
"""

from __future__ import annotations

from wiseflow.core.asking import Page, SearchResult
from wiseflow.research.web.reading import read_page

_SENTENCE = "The bees of a hive tell each other where flowers are by dancing on the comb. "

read_page(
    Page(
        url="http://warming.invalid/",
        content_type="text/html",
        body=f"<html><body><article><p>{_SENTENCE * 8}</p></article></body></html>".encode(),
    ),
    SearchResult(title="", url="http://warming.invalid/", snippet="", provider=""),
)
