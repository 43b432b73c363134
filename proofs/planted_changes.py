"""How many changes that were planted between two reports are told, and how many told were planted.

Reports are written from the facts of simulated worlds: of each fact it is drawn whether the later
report says it in the same words, in others, with another value, or not at all; some facts are new.
What is said otherwise may cite another source than before.

    python proofs/planted_changes.py --seeds 20
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from wiseflow.core.report import (
    AuthorKind,
    Citation,
    Claim,
    Report,
    ReportAuthor,
    Section,
    SourceReference,
    Verdict,
)
from wiseflow.research.changing import Changes, changes_between
from wiseflow.simulator.world import VALUES, Fact, Topic, World

# Recall and precision that must hold, a little below what was measured.
BARS = {"values": (0.85, 0.95), "new": (0.95, 0.8), "dropped": (0.95, 0.8)}
# Of what is said otherwise, this share cites any source, not the one that it cited before.
ELSEWHERE = 0.25
SHARES = {"same": 0.45, "reworded": 0.2, "value": 0.15, "dropped": 0.1, "new": 0.1}


@dataclass(slots=True, kw_only=True)
class Planted:
    """Two reports and what was changed between them, as sentences."""

    before: list[Claim] = field(default_factory=list[Claim])
    after: list[Claim] = field(default_factory=list[Claim])
    values: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    new: set[str] = field(default_factory=set[str])
    dropped: set[str] = field(default_factory=set[str])


def plant(topic: Topic, chance: random.Random) -> Planted:
    """Two reports on a topic."""
    planted = Planted()
    for number, fact in enumerate(topic.facts):
        fate = chance.choices(list(SHARES), list(SHARES.values()))[0]
        way = chance.randrange(3)
        old = fact.sentence(way)
        new = _later(fact, fate, way, chance)
        source = f"s{number % 7}"
        if fate != "new":
            planted.before.append(_claim(old, source))
        if fate != "dropped":
            moved = fate in {"reworded", "value"} and chance.random() < ELSEWHERE
            planted.after.append(_claim(new, f"s{chance.randrange(7)}" if moved else source))
        if fate == "value":
            planted.values.add((old, new))
        elif fate == "new":
            planted.new.add(new)
        elif fate == "dropped":
            planted.dropped.add(old)
    chance.shuffle(planted.after)
    return planted


def counts(planted: Planted, changes: Changes) -> Counter[str]:
    """Right, told and planted changes, by their kind."""
    told = {
        "values": {(one.before.claim.text, one.after.claim.text) for one in changes.changed_values},
        "new": {one.claim.text for one in changes.new_claims},
        "dropped": {one.claim.text for one in changes.dropped_claims},
    }
    found: Counter[str] = Counter()
    for kind, said in told.items():
        wanted = getattr(planted, kind)
        found[f"{kind} right"] += len(said & wanted)
        found[f"{kind} told"] += len(said)
        found[f"{kind} planted"] += len(wanted)
    return found


def measure(seeds: Sequence[int], topics: int = 6) -> Counter[str]:
    """All counts over the worlds of these seeds."""
    found: Counter[str] = Counter()
    for seed in seeds:
        chance = random.Random(seed)
        for topic in World(seed, topics=topics).topics:
            planted = plant(topic, chance)
            before, after = _report("r1", planted.before), _report("r2", planted.after)
            found += counts(planted, changes_between(before, after))
    return found


def share(found: Counter[str], kind: str, of: str) -> float:
    """Recall of ``planted``, precision of ``told``."""
    return found[f"{kind} right"] / max(1, found[f"{kind} {of}"])


def _later(fact: Fact, fate: str, way: int, chance: random.Random) -> str:
    if fate == "reworded":
        return fact.sentence(way + chance.choice((1, 2)))
    if fate != "value":
        return fact.sentence(way)
    value = fact.value
    while value == fact.value:
        value = VALUES[fact.relation.value](chance)
    return fact.sentence(way + chance.randrange(3), value)


def _claim(text: str, source: str) -> Claim:
    citation = Citation(
        source_id=source,
        passage_id=f"{source}:0-1",
        start=0,
        end=len(text),
        quote=text,
        verdict=Verdict.SUPPORTED,
    )
    return Claim(text=text, citations=(citation,))


def _report(name: str, claims: Sequence[Claim]) -> Report:
    sources = sorted({citation.source_id for claim in claims for citation in claim.citations})
    return Report(
        id=name,
        topic="t",
        mode="linear",
        status="completed",
        language="en",
        author=ReportAuthor(kind=AuthorKind.MODEL),
        title="t",
        summary=(),
        sections=(Section(title="s", claims=tuple(claims)),),
        sources=tuple(
            SourceReference(
                id=one, title=one, url="", path=one, published="", provider="documents", sha256=one
            )
            for one in sources
        ),
    )


def main() -> int:
    """Print recall and precision by kind of change; 1 when one is below its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    asked = parser.parse_args()
    found = measure(range(asked.first, asked.first + asked.seeds))
    holds = True
    for kind, (least_recall, least_precision) in BARS.items():
        recall, precision = share(found, kind, "planted"), share(found, kind, "told")
        holds = holds and recall >= least_recall and precision >= least_precision
        planted = found[f"{kind} planted"]
        print(f"{kind:8} planted {planted:5}  recall {recall:.3f}  precision {precision:.3f}")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
