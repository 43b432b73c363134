"""Results of several searches as one list, each work once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from wiseflow.core.asking import SearchResult
from wiseflow.research.web.works import Identity, are_one, identity_of, telling_words

# Source: G. Cormack, C. Clarke and S. Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
# individual Rank Learning Methods" (2009).
RANK_CONSTANT = 60
# A longer address is a program's, not a page's; and databases index no longer text.
LONGEST_ADDRESS = 2_000
_PORTS = {"http": 80, "https": 443}
# What advertisers and mailers add to an address; the page is the same without it.
_TRACKING = frozenset(
    ("gclid", "fbclid", "msclkid", "dclid", "yclid", "igshid", "mc_cid", "mc_eid")
)
_TRACKING_START = "utm_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A page that searches found.

    Args:
        key: what its address has in common with others that lead to the same page.
        result: as the search that placed it best gave it; its text is the longest that any gave;
            who wrote it another tells, where it does not.
        score: fused from its ranks; higher is better.
        stand_in: the same work elsewhere, with its text, for when the page cannot be read.
    """

    key: str
    result: SearchResult
    score: float
    stand_in: SearchResult | None = None


def merged(lists: Iterable[Sequence[SearchResult]]) -> list[Candidate]:
    """The distinct works of several lists of results, the best first; at equal scores the first.

    Addresses that cannot be fetched are left out.
    """
    works = _Works()
    for results in lists:
        counted: set[int] = set()
        for rank, (key, result) in enumerate(_distinct(results).items(), start=1):
            work = works.joined(key, result)
            # A list that has a work twice counts where it has it first.
            if work.number not in counted:
                counted.add(work.number)
                work.score += 1 / (RANK_CONSTANT + rank)
    return sorted(works.candidates(), key=lambda one: -one.score)


def fused(lists: Iterable[Sequence[Sequence[SearchResult]]]) -> list[Candidate]:
    """The distinct works that several providers found, each of whom has the same say.

    Args:
        lists: of each provider, the results of its searches.
    """
    rankings = [merged(results) for results in lists]
    if len(rankings) == 1:
        return rankings[0]
    return merged([[one.result for one in ranking] for ranking in rankings])


def key_of(url: str) -> str:
    """What addresses of the same page have in common; "" for one that cannot be fetched."""
    if not url.isprintable() or len(url.encode()) > LONGEST_ADDRESS:
        return ""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    host = parts.hostname.removeprefix("www.").rstrip(".")
    place = host if port in {None, _PORTS[parts.scheme]} else f"{host}:{port}"
    query = _telling_query(parts)
    return f"{place}{parts.path.rstrip('/')}{'?' if query else ''}{query}"


def _telling_query(parts: SplitResult) -> str:
    if not parts.query:
        return ""
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [
        (name, value)
        for name, value in pairs
        if name not in _TRACKING and not name.startswith(_TRACKING_START)
    ]
    return parts.query if len(kept) == len(pairs) else urlencode(kept)


def _distinct(results: Iterable[SearchResult]) -> Mapping[str, SearchResult]:
    """The results by key, the first of each."""
    found: dict[str, SearchResult] = {}
    for result in results:
        if key := key_of(result.url):
            found.setdefault(key, result)
    return found


@dataclass(slots=True, kw_only=True)
class _Work:
    """A work in the making.

    Args:
        number: in the order in which works were found.
        found: its results with their keys, in the order they were found.
        score: fused from its ranks so far.
        part_of: the work that it turned out to be.
    """

    number: int
    found: list[tuple[str, SearchResult]] = field(default_factory=list[tuple[str, SearchResult]])
    score: float = 0.0
    part_of: _Work | None = None

    def candidate(self) -> Candidate:
        """The page that was found first, with the longest text that was given of it."""
        key = self.found[0][0]
        of_page = [result for other, result in self.found if other == key]
        result = self._with_byline(max(of_page, key=lambda one: len(one.text)), of_page)
        elsewhere = [one for other, one in self.found if other != key and one.text]
        stand_in = max(elsewhere, key=lambda one: len(one.text), default=None)
        return Candidate(
            key=key, result=result, score=self.score, stand_in=None if result.text else stand_in
        )

    def _with_byline(self, result: SearchResult, of_page: Sequence[SearchResult]) -> SearchResult:
        """A work has its authors wherever it stands; its site is that of this page."""
        authors = (one.authors for _, one in self.found if one.authors)
        sites = (one.site for one in of_page if one.site)
        return replace(
            result, authors=result.authors or next(authors, ()), site=result.site or next(sites, "")
        )


class _Works:
    """Works in the making, found by their names and by words of their titles.

    All are not compared with all: that held the event loop up for 18 ms with five providers.
    """

    def __init__(self) -> None:
        self._works: list[_Work] = []
        self._by_name: dict[str, _Work] = {}
        self._by_word: dict[str, list[tuple[Identity, _Work]]] = {}

    def joined(self, key: str, result: SearchResult) -> _Work:
        """The work that a result is of, with it; works that turn out to be one become one."""
        identity = identity_of(key, result)
        same = self._same(identity)
        if same:
            work, *others = same
        else:
            work, others = _Work(number=len(self._works)), []
            self._works.append(work)
        for other in others:
            other.part_of = work
            work.found += other.found
            work.score += other.score
        work.found.append((key, result))
        self._by_name.update(dict.fromkeys(identity.names, work))
        for word in identity.words:
            self._by_word.setdefault(word, []).append((identity, work))
        return work

    def candidates(self) -> list[Candidate]:
        """The works, in the order they were found."""
        return [work.candidate() for work in self._works if work.part_of is None]

    def _same(self, identity: Identity) -> list[_Work]:
        named = [self._by_name[name] for name in identity.names if name in self._by_name]
        titled = [
            work
            for word in telling_words(identity)
            for other, work in self._by_word.get(word, ())
            if are_one(identity, other)
        ]
        found = {work.number: work for work in map(_whole, (*named, *titled))}
        return [found[number] for number in sorted(found)]


def _whole(work: _Work) -> _Work:
    while work.part_of is not None:
        work = work.part_of
    return work
