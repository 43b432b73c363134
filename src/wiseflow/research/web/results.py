"""Results of several searches as one list, each work once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from wiseflow.core.asking import SearchResult
from wiseflow.research.web.works import Identity, are_one, identity_of

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
        result: as the search that placed it best gave it; its text is the longest that any gave.
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
    works: list[_Work] = []
    for results in lists:
        counted: list[_Work] = []
        for rank, (key, result) in enumerate(_distinct(results).items(), start=1):
            work = _joined(works, key, result)
            # A list that has a work twice counts where it has it first.
            if not any(work is one for one in counted):
                counted.append(work)
                work.score += 1 / (RANK_CONSTANT + rank)
    candidates = [work.candidate() for work in works]
    return sorted(candidates, key=lambda one: -one.score)


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
    """A work in the making: its results with their keys, in the order they were found."""

    found: list[tuple[str, SearchResult]]
    identities: list[Identity]
    score: float = 0.0

    def candidate(self) -> Candidate:
        """The page that was found first, with the longest text that was given of it."""
        key = self.found[0][0]
        of_page = [result for other, result in self.found if other == key]
        result = max(of_page, key=lambda one: len(one.text))
        elsewhere = [one for other, one in self.found if other != key and one.text]
        stand_in = max(elsewhere, key=lambda one: len(one.text), default=None)
        return Candidate(
            key=key, result=result, score=self.score, stand_in=None if result.text else stand_in
        )


def _joined(works: list[_Work], key: str, result: SearchResult) -> _Work:
    """The work that a result is of, with it; works that turn out to be one become one."""
    identity = identity_of(key, result)
    same = [one for one in works if any(are_one(identity, other) for other in one.identities)]
    if not same:
        works.append(_Work(found=[(key, result)], identities=[identity]))
        return works[-1]
    work, *others = same
    for other in others:
        work.found += other.found
        work.identities += other.identities
        work.score += other.score
    works[:] = [one for one in works if not any(one is other for other in others)]
    work.found.append((key, result))
    work.identities.append(identity)
    return work
