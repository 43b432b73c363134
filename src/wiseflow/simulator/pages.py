"""The pages of a world as HTML."""

from __future__ import annotations

import html
import random
from collections import OrderedDict

from wiseflow.simulator import vocabulary
from wiseflow.simulator.world import Page, World

PAGE_BYTES = 6 * 1024
# About what is around a page's text; fixed, so that a frame that says more leaves the texts alone.
AROUND_BYTES = 1743
KEPT_PAGES = 4096
SENTENCES_A_PARAGRAPH = 5
FILLER = (vocabulary.SUBJECTS, vocabulary.VERBS, vocabulary.OBJECTS)
NAVIGATION = ("Home", "News", "Regions", "Archive", "Letters", "Subscribe", "About us", "Contact")

FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} | {site}</title>
<meta name="description" content="{title}">
<meta property="og:title" content="{title}">
<meta property="og:site_name" content="{site}">
{authors}
<meta property="article:published_time" content="{published}T08:00:00Z">
<link rel="stylesheet" href="/assets/site.css">
</head>
<body>
<header><div class="brand">{site}</div><nav><ul>{navigation}</ul></nav></header>
<main><article>
<h1>{title}</h1>
<p class="byline">Published <time datetime="{published}">{published}</time></p>
{paragraphs}
</article></main>
<aside><h2>Read more</h2><ul>{more}</ul></aside>
<footer><p>We use cookies to remember your choices. Terms of use. Privacy notice.</p>
<p>All rights reserved by {site}.</p></footer>
</body>
</html>
"""


class PageShelf:
    """Makes pages, and keeps them made.

    Args:
        world: whose pages.
        size: of each, in bytes, about; never less than its facts and its frame need.
    """

    def __init__(self, world: World, size: int = PAGE_BYTES) -> None:
        self._world = world
        self._size = size
        self._made: OrderedDict[str, bytes] = OrderedDict()

    def get(self, slug: str) -> bytes | None:
        """The page of that name."""
        page = self._world.pages.get(slug)
        if page is None:
            return None
        made = self._made.get(slug)
        if made is None:
            made = self._made[slug] = self._make(page)
            if len(self._made) > KEPT_PAGES:
                self._made.popitem(last=False)
        return made

    def text(self, page: Page) -> str:
        """The sentences of a page without its frame, filler among them."""
        return "\n\n".join(self._paragraphs(page))

    def _make(self, page: Page) -> bytes:
        topic = self._world.topic_in(page.topic)
        assert topic is not None, "every page has a topic of its world"
        more = [one for one in topic.pages if one.slug != page.slug][:4]
        return FRAME.format(
            title=html.escape(page.title),
            site=page.site,
            authors="\n".join(
                f'<meta name="author" content="{html.escape(name)}">' for name in page.authors
            ),
            published=page.published,
            navigation="".join(f'<li><a href="/">{one}</a></li>' for one in NAVIGATION),
            paragraphs="\n".join(f"<p>{html.escape(one)}</p>" for one in self._paragraphs(page)),
            more="".join(
                f'<li><a href="/pages/{one.slug}">{html.escape(one.title)}</a></li>' for one in more
            ),
        ).encode()

    def _paragraphs(self, page: Page) -> list[str]:
        chance = random.Random(f"{self._world.seed}/{page.slug}")  # noqa: S311 - no secret
        room = self._size - AROUND_BYTES - sum(map(len, page.sentences))
        sentences = list(page.sentences)
        while room > 0:
            filler = f"{' '.join(map(chance.choice, FILLER))}."
            sentences.insert(chance.randint(1, len(sentences)), filler)
            room -= len(filler) + 3
        return [
            " ".join(sentences[at : at + SENTENCES_A_PARAGRAPH])
            for at in range(0, len(sentences), SENTENCES_A_PARAGRAPH)
        ]
