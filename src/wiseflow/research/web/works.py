"""Which results are of the same work: by page, DOI, arXiv id, or title. Pure.

The same paper is found at its publisher's, in an archive and in several indexes, each at an address
of its own. Two pages of the web are never held for one by their titles alone: one of them must be a
paper, and they must be found by different providers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from wiseflow.core.asking import SearchResult

# As registered: every arXiv paper has the DOI 10.48550/arXiv.ID. Source: arXiv, "DOIs for arXiv".
_ARXIV_DOI = "10.48550/arxiv."
_RESOLVED = re.compile(r"^(?:dx\.)?doi\.org/(10\.\d{4,9}/.+)$")
_ARXIV_PAGE = re.compile(r"^(?:export\.)?arxiv\.org/(?:abs|pdf|html)/(.+?)(?:v\d+)?(?:\.pdf)?$")
_VERSION = re.compile(r"v\d+$")
_WORD = re.compile(r"[^\W_]+")
# Shorter titles are shared by different works ("Introduction", "Annual report").
FEWEST_WORDS = 4
# Of all words of two titles, those that both have; numbers must be the same.
NEARLY_ALL = 0.9
ROUNDING = 1e-9  # a ninth of nine words is one, in floats, too
# A work about another has its title and one of these.
_ABOUT_ANOTHER = frozenset(
    ("comment", "correction", "corrigendum", "erratum", "reply", "retracted", "retraction")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells a work.

    Args:
        names: each is of this work only: its page, its DOI, its arXiv id.
        words: of its title; none where the title is too short to tell anything.
        is_paper: whether it has a DOI or an arXiv id.
        provider: who found it.
    """

    names: frozenset[str]
    words: frozenset[str]
    is_paper: bool
    provider: str


def identity_of(key: str, result: SearchResult) -> Identity:
    """What tells the work of a result.

    Args:
        key: of its page, as ``results.key_of`` gives it.
        result: the result.
    """
    papers = frozenset(_papers(key, result.doi))
    return Identity(
        names=frozenset((f"page:{key}", *papers)),
        words=_words(result.title),
        is_paper=bool(papers),
        provider=result.provider,
    )


def are_one(left: Identity, right: Identity) -> bool:
    """Whether two results are of the same work."""
    if left.names & right.names:
        return True
    papers = left.is_paper or right.is_paper
    return papers and left.provider != right.provider and _titles_agree(left.words, right.words)


def telling_words(identity: Identity) -> list[str]:
    """Words of a title of which each nearly equal one has at least one.

    Of a title's n words, such a one lacks n/9 at most, as nine tenths of all are in both; so of any
    more than that, one is there. Source: R. Bayardo, Y. Ma and R. Srikant, "Scaling Up All Pairs
    Similarity Search" (2007), prefix filtering.
    """
    longest_first = sorted(identity.words, key=lambda word: (-len(word), word))
    most_lacking = int(len(longest_first) * (1 - NEARLY_ALL) / NEARLY_ALL + ROUNDING)
    return longest_first[: most_lacking + 1]


def _papers(key: str, doi: str) -> Iterator[str]:
    resolved, page = _RESOLVED.match(key.lower()), _ARXIV_PAGE.match(key.lower())
    for told in filter(None, (doi.lower(), resolved and resolved[1])):
        if told.startswith(_ARXIV_DOI):
            yield f"arxiv:{_VERSION.sub('', told.removeprefix(_ARXIV_DOI))}"
        else:
            yield f"doi:{told}"
    if page:
        yield f"arxiv:{page[1]}"


def _words(title: str) -> frozenset[str]:
    """The words of a title without case and accents."""
    kept = title.casefold()
    if not kept.isascii():
        plain = unicodedata.normalize("NFKD", kept)
        kept = "".join(one for one in plain if not unicodedata.combining(one))
    words = _WORD.findall(kept)
    return frozenset(words) if len(words) >= FEWEST_WORDS else frozenset()


def _titles_agree(left: frozenset[str], right: frozenset[str]) -> bool:
    if not left or not right:
        return False
    apart = left ^ right
    if any(word in _ABOUT_ANOTHER or not word.isalpha() for word in apart):
        return False
    return len(left & right) >= NEARLY_ALL * len(left | right)
