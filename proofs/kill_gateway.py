"""Kills a command that asks models and the web at many moments: what was paid is not paid again.

``wiseflow research`` runs topics on the web, with a model, against a simulator in a process of its
own. It is killed with its whole process group at a moment drawn over the length of an undisturbed
run, and the same command is typed again, until all kills are done; a batch that has ended is
followed by a new one with an empty data folder. At last all is let end. Then, by the simulator's
own log, in which equal requests have equal digests:

- after each kill, the requests sent again are at most those in flight at it: those that had come
  and were not in the journal, answered or not; how many had been answered long before is told;
- no journalled call is made again: at each kill, at least as many requests were sent before it and
  never after it as the journal held calls; and at the end the journal holds as many calls as that
  of the undisturbed run, so none was made again in other words;
- every research has ended with a whole report; none has failed, none is left running.

A kill counts only if the process lived and its researches were not finished.

    python proofs/kill_gateway.py --kills 100 --researches 20 --seed 1
    python proofs/kill_gateway.py --kills 100 --researches 20 --seed 1 --mode graph
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from killed_batches import ON_ITS_WAY_S, Batch, Kill, Request, Watched

from wiseflow.core.configuration import ResearchMode
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import World

HOPS = 3
TOPICS_A_RESEARCH = 3
MOST_DRAWS = 20  # of moments that did not count, for each one that does


@dataclass(kw_only=True)
class Findings:
    """What the kills showed."""

    batches: int = 0
    kills: int = 0
    not_counted: int = 0
    requests: int = 0
    journalled: list[int] = field(default_factory=list)
    in_flight: int = 0
    sent_again: int = 0
    late: int = 0  # of these, answered more than ``ON_ITS_WAY_S`` before the kill
    wrong: list[str] = field(default_factory=list)


def main() -> None:
    options = parse_options()
    begun = time.monotonic()
    world = World(topics=options.researches * TOPICS_A_RESEARCH, links=True)
    topics = questions(world, options.researches)
    simulated = SimulatorOptions(
        time_scale=options.time_scale, topics=len(world.topics), links=True
    )
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work,
        SimulatorProcess(simulated) as simulator,
    ):
        watched = Watched(simulator, options.time_scale)
        chance = random.Random(options.seed)
        findings = prove(Path(work), topics, watched, options.kills, chance, options.mode)
    print(f"{options.mode}: {render(findings, options.researches, time.monotonic() - begun)}")
    for line in findings.wrong:
        print("  " + line)
    sys.exit(1 if findings.wrong else 0)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--researches", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=[mode.value for mode in ResearchMode], default="linear")
    parser.add_argument("--time-scale", type=float, default=0.2)
    return parser.parse_args()


def render(findings: Findings, researches: int, seconds: float) -> str:
    journalled = sorted(findings.journalled)
    return (
        f"{findings.kills} kills of {researches} researches side by side, {findings.batches} "
        f"batches ({findings.not_counted} draws did not count); calls journalled when killed: "
        f"{journalled[0]} to {journalled[-1]}, median {journalled[len(journalled) // 2]}; "
        f"{findings.requests} requests to model and search, {findings.sent_again} sent again of "
        f"{findings.in_flight} in flight at the kills, {findings.late} of them answered more than "
        f"{ON_ITS_WAY_S} s before; broken promises: {len(findings.wrong)}; "
        f"{seconds:.0f} s"
    )


def questions(world: World, count: int) -> list[str]:
    """Questions of three hops, none of which needs what another one needs.

    So equal requests are the same request made again, and every mode takes all of its steps.
    """
    asked: list[str] = []
    known: set[str] = set()
    for number in range(len(world.links)):
        question = world.chain(number, HOPS)
        entities = {fact.entity for fact in question.facts}
        if entities.isdisjoint(known):
            known |= entities
            asked.append(question.text)
        if len(asked) == count:
            return asked
    raise SystemExit(f"the world has only {len(asked)} such questions")


def prove(
    work: Path,
    topics: Sequence[str],
    watched: Watched,
    kills: int,
    chance: random.Random,
    mode: str,
) -> Findings:
    """Run the undisturbed command, then batches of it until so many kills have counted."""
    findings = Findings()
    calm = Batch(work / "calm", topics, watched.settings(), mode)
    begun = time.monotonic()
    calm.command.finish()
    length_s = time.monotonic() - begun
    if wrong := wrong_at_the_end(calm, len(topics)):
        raise SystemExit(f"the undisturbed run is no measure: {wrong}")
    sent = watched.requests()
    if len({one.digest for one in sent}) != len(sent) or len(sent) != calm.journalled:
        raise SystemExit(
            f"the undisturbed run is no measure: {len(sent)} requests, {calm.journalled} journalled"
        )
    while findings.kills < kills:
        if findings.not_counted > kills * MOST_DRAWS:
            raise SystemExit(f"only {findings.kills} kills counted")
        findings.batches += 1
        watched.forget()
        batch = Batch(work / f"batch-{findings.batches}", topics, watched.settings(), mode)
        done = kill_until_it_ends(batch, kills - findings.kills, length_s, chance, findings)
        name = f"batch {findings.batches}"
        findings.wrong += [f"{name}: {line}" for line in wrong_at_the_end(batch, len(topics))]
        findings.wrong += [f"{name}: {line}" for line in judge(watched.requests(), done, findings)]
        if batch.journalled != calm.journalled:
            findings.wrong.append(f"{name}: {batch.journalled} calls, not {calm.journalled}")
    return findings


def kill_until_it_ends(
    batch: Batch, most: int, length_s: float, chance: random.Random, findings: Findings
) -> list[Kill]:
    """Kill a batch up to so many times, each time typing the same command again."""
    kills: list[Kill] = []
    while len(kills) < most and (batch.unfinished or not batch.begun):
        kill = batch.killed_after(chance.uniform(0, length_s))
        if kill is None:
            findings.not_counted += 1
        else:
            kills.append(kill)
    if batch.unfinished or not batch.begun:
        batch.command.finish()
    return kills


def wrong_at_the_end(batch: Batch, researches: int) -> list[str]:
    """What a batch that has ended lacks."""
    whole = [one for one in batch.statuses if one[:2] == ("completed", 0)]
    if len(whole) == researches:
        return []
    others = [one for one in batch.statuses if one[:2] != ("completed", 0)]
    return [f"{len(whole)} of {researches} researches ended with a whole report: {others}"]


def judge(sent: Sequence[Request], kills: Sequence[Kill], findings: Findings) -> list[str]:
    """What the requests of a batch show of its kills; counted in the findings."""
    wrong: list[str] = []
    latest: dict[str, Request] = {}
    repeated: Counter[int] = Counter()  # by the number of the last kill before
    for one in sent:
        former, latest[one.digest] = latest.get(one.digest), one
        if former is None:
            continue
        repeated[bisect_right(kills, one.arrived, key=lambda kill: kill.at)] += 1
        if not any(former.under_way(kill) and kill.at < one.arrived for kill in kills):
            findings.late += 1
    in_flight = [0, *(in_flight_at(kill, sent) for kill in kills)]
    for number, count in repeated.items():
        if count > in_flight[number]:
            wrong.append(
                f"{count} requests sent again after kill {number}, {in_flight[number]} in flight"
            )
    wrong += [line for kill in kills for line in journalled_and_sent(sent, latest, kill)]
    findings.kills += len(kills)
    findings.journalled += [kill.journalled for kill in kills]
    findings.requests += len(sent)
    findings.sent_again += repeated.total()
    findings.in_flight += sum(in_flight)
    return wrong


def in_flight_at(kill: Kill, sent: Sequence[Request]) -> int:
    """How many requests a kill may cost: those that the journal does not hold, answered or not."""
    come = {one.digest for one in sent if one.arrived <= kill.at}
    return max(0, len(come) - kill.journalled)


def journalled_and_sent(
    sent: Sequence[Request], latest: Mapping[str, Request], kill: Kill
) -> list[str]:
    """Whether calls that the journal held at a kill were sent after it."""
    before = {one.digest for one in sent if one.arrived <= kill.at}
    kept = sum(latest[digest].arrived <= kill.at for digest in before)
    if kept >= kill.journalled:
        return []
    return [f"{kill.journalled} calls were journalled, {kept} were not sent again"]


if __name__ == "__main__":
    main()
