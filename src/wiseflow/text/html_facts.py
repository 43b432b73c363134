"""What a web page says of itself: its title and when it was published."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wiseflow.text.dates import iso_date

if TYPE_CHECKING:
    from lxml.html import HtmlElement


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What a page says of itself, each "" where it does not."""

    title: str = ""
    published: str = ""


def page_facts(tree: HtmlElement) -> PageFacts:
    """The title of a page, and its date in ISO 8601.

    The steps of trafilatura's ``extract_metadata`` that lead to these two; its others (authors,
    categories, tags, licence) take a fifth of the time that reading a page does.
    """
    # Inside, because their import takes a fifth of a second.
    from htmldate import find_date  # noqa: PLC0415
    from trafilatura import metadata  # noqa: PLC0415
    from trafilatura.settings import set_date_params  # noqa: PLC0415

    found = metadata.examine_meta(tree)
    # What pages put there makes it raise anything; they are then read without it.
    with suppress(Exception):
        found = metadata.extract_meta_json(tree, found)
    found.title = found.title or metadata.extract_title(tree)
    address = found.url or metadata.extract_url(tree)
    with suppress(TypeError, ValueError, OverflowError):  # of dates that no calendar has
        found.date = find_date(tree, url=address, **set_date_params())
    found.clean_and_trim()
    return PageFacts(title=found.title or "", published=iso_date(found.date or ""))
