"""What a web page says of itself: its title, its authors, its site and when it was published."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from wiseflow.text.dates import iso_date
from wiseflow.text.html_bylines import Element, take_byline

if TYPE_CHECKING:
    from lxml.html import HtmlElement


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What a page says of itself, each empty where it does not."""

    title: str = ""
    published: str = ""
    authors: tuple[str, ...] = ()
    site: str = ""


def page_facts(tree: HtmlElement) -> PageFacts:
    """The title of a page, its date in ISO 8601, its authors and its site.

    The title and the date by those steps of trafilatura's ``extract_metadata`` that lead to them;
    its others (categories, tags, licence) take a fifth of the time that reading a page does.

    Args:
        tree: of the whole page; what its head states of authors is emptied.
    """
    # Inside, because their import takes a fifth of a second.
    from htmldate import find_date  # noqa: PLC0415
    from trafilatura import metadata  # noqa: PLC0415
    from trafilatura.settings import set_date_params  # noqa: PLC0415

    # First, as trafilatura takes quadratic time over the authors that a head states.
    byline = take_byline(cast("Element", tree))
    found = metadata.examine_meta(tree)
    found.title = found.title or byline.title or metadata.extract_title(tree)
    address = found.url or metadata.extract_url(tree)
    with suppress(TypeError, ValueError, OverflowError):  # of dates that no calendar has
        found.date = find_date(tree, url=address, **set_date_params())
    found.clean_and_trim()
    return PageFacts(
        title=found.title or "",
        published=iso_date(found.date or ""),
        authors=byline.authors,
        site=byline.site,
    )
