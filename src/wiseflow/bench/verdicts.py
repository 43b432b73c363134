"""How well verdicts tell claims that hold from planted ones, class by class.

Over the simulator's world, whose facts are known: its judge reads the product's own prompts, knows
the facts, and errs in a share of cases that is told. Over real paragraphs, where nobody knows, the
judge goes by how each claim was made, and errs as often. Words alone are measured beside it.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from wiseflow.bench.data import read_rows
from wiseflow.bench.figures import Figure, mean_figure
from wiseflow.bench.oracle import OracleModels, cited, hit_of, source_of
from wiseflow.bench.rewordings import reworded, sentences_of
from wiseflow.core.authoring import Doubt, Doubts, Opinion
from wiseflow.core.calls import RunContext
from wiseflow.core.configuration import Unsupported
from wiseflow.core.documents import Hit, Source
from wiseflow.core.report import Claim, Verdict
from wiseflow.research.checking import reasons_for
from wiseflow.research.mending import Reasons, doubt_of, heard, mend, verdicts_of
from wiseflow.research.modelled.author import ModelAuthor, Roles
from wiseflow.research.modelled.judging import MOST_DOUBTS
from wiseflow.simulator.judging import Judge
from wiseflow.simulator.pages import PageShelf
from wiseflow.simulator.rewording import TRUE, Done, statements
from wiseflow.simulator.world import World
from wiseflow.simulator.writer import Writer

SEED = 80
TOPICS = 12
JUDGE_ERRORS = 0.03
MOST_DOUBTED, LEAST_CAUGHT = 0.05, 0.9
LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A claim of which it is known what was done to it.

    Args:
        done: what.
        claim: with its citations.
        passages: that it cites, by id.
        stored: the sources that it cites, by id.
    """

    done: Done
    claim: Claim
    passages: dict[str, Hit]
    stored: dict[str, Source]

    def look(self, claim: Claim) -> Reasons:
        """What words find of a claim that cites the same."""
        return reasons_for(claim, self.stored, LANGUAGE)


Judged = Callable[[Sequence[tuple[Said, Doubt]]], Sequence[Opinion]]


def measure_verdicts(
    data_dir: Path, *, topics: int = TOPICS, errors: float = JUDGE_ERRORS
) -> list[Figure]:
    """Figures over the simulator's world and over the paragraphs of ``mh_hotpot``.

    Args:
        data_dir: with the folder ``mh_hotpot``.
        topics: of the world.
        errors: share of its judgements in which the judge is wrong.

    Raises:
        NotFound: the paragraphs are missing.
    """
    real = list(of_paragraphs(data_dir / "mh_hotpot" / "corpus.jsonl"))
    return [
        *measure_world(topics=topics, errors=errors),
        *_figures("mh_hotpot", real, partial(by_making, errors=errors)),
    ]


def measure_world(*, topics: int = TOPICS, errors: float = JUDGE_ERRORS) -> list[Figure]:
    """Figures over the simulator's world; arguments as in ``measure_verdicts``."""
    world = World(SEED, topics=topics)
    said = list(of_world(world))
    writer = Writer(world, judge_errors=errors)
    judge = partial(by_simulator, OracleModels(writer))
    return [*_figures("world", said, judge), *_mended("world", said, judge, Judge(world))]


def of_world(world: World) -> Iterator[Said]:
    """The statements on all pages of a world."""
    shelf = PageShelf(world)
    sources = {
        page.slug: source_of(page.slug, page.title, shelf.text(page))
        for page in world.pages.values()
    }
    for statement in statements(world):
        places = [(sources[page.slug], page.sentences[at]) for page, at in statement.pages]
        spans = [(source, source.text.index(quote), len(quote)) for source, quote in places]
        hits = [hit_of(source, start) for source, start, _ in spans]
        yield Said(
            done=statement.done,
            claim=Claim(
                text=statement.text,
                citations=tuple(
                    cited(hit, start, start + length)
                    for hit, (_, start, length) in zip(hits, spans, strict=True)
                ),
            ),
            passages={hit.passage.passage_id: hit for hit in hits},
            stored={source.source_id: source for source, _, _ in spans},
        )


def of_paragraphs(corpus: Path) -> Iterator[Said]:
    """The claims made from the paragraphs of a corpus. Raises ``NotFound``."""
    rows = read_rows(corpus)
    chance = random.Random(SEED)  # noqa: S311 - no secret
    known = [sentences_of(row) for row in rows]
    for place, row in enumerate(rows):
        others = known[(place + len(rows) // 2) % len(rows)]
        if not others:
            continue
        source = source_of(str(row["id"]), str(row["title"]), str(row["text"]))
        hit = hit_of(source, 0, whole=True)
        for made in reworded(row, others, chance):
            yield Said(
                done=made.done,
                claim=Claim(
                    text=made.text, citations=tuple(cited(hit, *span) for span in made.spans)
                ),
                passages={hit.passage.passage_id: hit},
                stored={source.source_id: source},
            )


def by_simulator(models: OracleModels, doubted: Sequence[tuple[Said, Doubt]]) -> Sequence[Opinion]:
    """Opinions of the simulator's judge, asked with the product's own prompts."""
    author = ModelAuthor(models, RunContext(run_id="bench"), Roles(planner="s:m", writer="s:m"))
    doubts = [doubt for _, doubt in doubted]

    async def ask() -> list[Opinion]:
        found: list[Opinion] = []
        for start in range(0, len(doubts), MOST_DOUBTS):
            some = tuple(doubts[start : start + MOST_DOUBTS])
            found += await author.reconsider(
                Doubts(topic="A topic", title="A section", language="en", step="s", doubts=some)
            )
        return found

    return asyncio.run(ask())


def by_making(doubted: Sequence[tuple[Said, Doubt]], *, errors: float) -> Sequence[Opinion]:
    """Opinions of a judge who goes by how a claim was made, and errs in a share of cases."""
    chance = random.Random(SEED)  # noqa: S311 - no secret
    opinions: list[Opinion] = []
    for said, doubt in doubted:
        right = said.done in TRUE
        supported = right is not (chance.random() < errors)
        verdict = Verdict.SUPPORTED if supported else Verdict.UNSUPPORTED
        seen = doubt.claim.citations if supported else ()
        opinions.append(Opinion(verdict=verdict, citations=seen))
    return opinions


def _figures(subject: str, said: Sequence[Said], judge: Judged) -> list[Figure]:
    """The shares of each verdict by class, by words alone and with a judge."""
    found = [one.look(one.claim) for one in said]
    alone = [_verdict(one.claim, reasons) for one, reasons in zip(said, found, strict=True)]
    both = _with_judge(said, found, judge)
    return [
        *_shares(f"{subject}, words alone", said, alone, barred=False),
        *_shares(f"{subject}, with a judge", said, both, barred=True),
    ]


def _with_judge(said: Sequence[Said], found: Sequence[Reasons], judge: Judged) -> list[Verdict]:
    opinions = _opinions(said, found, judge)
    verdicts: list[Verdict] = []
    for one, reasons, opinion in zip(said, found, opinions, strict=True):
        claim = one.claim if opinion is None else heard(one.claim, reasons, opinion)
        verdicts.append(_verdict(claim, one.look(claim)))
    return verdicts


def _opinions(
    said: Sequence[Said], found: Sequence[Reasons], judge: Judged
) -> list[Opinion | None]:
    doubts = [
        doubt_of(one.claim, reasons, one.passages) for one, reasons in zip(said, found, strict=True)
    ]
    asked = [(one, doubt) for one, doubt in zip(said, doubts, strict=True) if doubt is not None]
    opinions = iter(judge(asked))
    return [None if doubt is None else next(opinions) for doubt in doubts]


def _verdict(claim: Claim, reasons: Reasons) -> Verdict:
    """On a claim as a whole: the best of its citations."""
    verdicts = verdicts_of(claim, reasons)
    return next(one for one in BEST_FIRST if one in verdicts)


BEST_FIRST = (Verdict.SUPPORTED, Verdict.UNVERIFIED, Verdict.UNSUPPORTED)


def _shares(
    subject: str, said: Sequence[Said], verdicts: Sequence[Verdict], *, barred: bool
) -> Iterator[Figure]:
    by_class: dict[Done, list[Verdict]] = defaultdict(list)
    for one, verdict in zip(said, verdicts, strict=True):
        by_class[one.done].append(verdict)
    for done in sorted(by_class, key=list(Done).index):
        given = by_class[done]
        name = f"{'true, ' if done in TRUE else 'planted: '}{done}"
        if barred and done not in TRUE:
            caught = [float(verdict is not Verdict.SUPPORTED) for verdict in given]
            yield mean_figure(subject, f"{name}: caught", caught, bar=LEAST_CAUGHT)
        for wanted in Verdict:
            share = mean_figure(
                subject, f"{name}: {wanted}", [float(verdict is wanted) for verdict in given]
            )
            doubt = barred and done in TRUE and wanted is Verdict.UNSUPPORTED
            yield replace(share, most=MOST_DOUBTED) if doubt else share


def _mended(subject: str, said: Sequence[Said], judge: Judged, oracle: Judge) -> Iterable[Figure]:
    """What mending leaves of planted claims: how many say what their passages say."""
    planted = [one for one in said if one.done not in TRUE]
    found = [one.look(one.claim) for one in planted]
    true: list[float] = []
    left: list[float] = []
    for one, reasons, opinion in zip(planted, found, _opinions(planted, found, judge), strict=True):
        made = mend([one.claim], [reasons], [opinion], one.look, Unsupported.DROP).claims
        left.append(float(bool(made)))
        true += [float(oracle.supports(claim.text, _passages(one, claim))) for claim in made]
    return [
        mean_figure(subject, "planted claims that mending leaves, in other words", left),
        mean_figure(subject, "of them, what their passages do say", true, bar=LEAST_CAUGHT),
    ]


def _passages(said: Said, claim: Claim) -> list[str]:
    cites = dict.fromkeys(citation.passage_id for citation in claim.citations)
    return [said.passages[one].passage.text for one in cites]
