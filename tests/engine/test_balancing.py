"""Work goes to the least loaded worker, longest first, and slow and dead workers are relieved."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import Conflict, NotFound
from wiseflow.engine.balancing import AdaptiveLoadBalancer, Candidate, WorkerState


def balancer_of(workers: int) -> AdaptiveLoadBalancer:
    balancer = AdaptiveLoadBalancer()
    for place in range(workers):
        balancer.worker_joined(place, 0.0)
    return balancer


def waiting(*lengths: float | None, home: int | None = None, begun: int = 0) -> list[Candidate]:
    return [
        Candidate(task_id=number, predicted_s=length, home=home, begun=begun)
        for number, length in enumerate(lengths)
    ]


def let_work(balancer: AdaptiveLoadBalancer, took: Mapping[int, float], now: float = 0.0) -> float:
    """Some calls of one second each at every place, which take as long as told; the time then."""
    for call in range(4):
        for place, seconds in took.items():
            balancer.started(place, call, 1.0, now)
            balancer.ended(place, call, now + seconds)
        now += max(took.values())
    return now


def test_the_longest_predicted_goes_first_and_an_unknown_one_before_all():
    balancer = balancer_of(1)

    assert balancer.choose(waiting(1.0, 5.0, 3.0), [0], 0.0) == (1, 0)
    assert balancer.choose(waiting(1.0, 5.0, None), [0], 0.0) == (2, 0)
    assert balancer.choose([], [0], 0.0) is None
    assert balancer.choose(waiting(1.0), [], 0.0) is None


def test_what_began_first_goes_before_what_is_longer():
    older = Candidate(task_id="old", predicted_s=1.0, begun=1)
    younger = Candidate(task_id="young", predicted_s=9.0, begun=2)

    assert balancer_of(1).choose([younger, older], [0], 0.0) == (1, 0)


def test_a_place_takes_who_is_at_home_then_new_work_then_who_is_at_home_elsewhere():
    balancer = balancer_of(3)
    home = Candidate(task_id="home", begun=3, home=1)
    new = Candidate(task_id="new", begun=2)
    elsewhere = Candidate(task_id="elsewhere", begun=1, home=2)

    assert balancer.choose([elsewhere, new, home], [0, 1], 0.0) == (2, 1)
    assert balancer.choose([elsewhere, new], [0, 1], 0.0) == (1, 0)
    assert balancer.choose([elsewhere], [0, 1], 0.0) == (0, 0)


def test_the_least_loaded_place_is_taken():
    balancer = balancer_of(3)
    for place, length in ((0, 4.0), (1, 2.0), (2, 3.0)):
        balancer.started(place, "a", length, 0.0)

    assert balancer.choose(waiting(1.0), [0, 1, 2], 1.0) == (0, 1)
    assert [balancer.load(place, 1.0) for place in range(3)] == [3.0, 1.0, 2.0]

    assert balancer_of(1).load(0, 1.0) == 0.0
    balancer.started(1, "b", None, 1.0)
    balancer.started(1, "c", 5.0, 1.0)
    assert balancer.choose(waiting(1.0), [0, 1, 2], 1.0) == (0, 2)


def test_a_call_over_its_prediction_still_counts_as_load():
    balancer = balancer_of(1)
    balancer.started(0, "a", 1.0, 0.0)

    assert 0 < balancer.load(0, 10.0) < balancer.load(0, 100.0)


def test_at_most_64_candidates_are_looked_at():
    assert balancer_of(1).choose(waiting(*range(100)), [0], 0.0) == (63, 0)


def test_a_slow_worker_gets_the_shortest_and_only_when_no_other_is_free():
    balancer = balancer_of(3)
    now = let_work(balancer, {0: 1.0, 1: 4.0, 2: 1.0})

    assert balancer.states(now) == {0: WorkerState.IDLE, 1: WorkerState.SLOW, 2: WorkerState.IDLE}
    assert balancer.choose(waiting(5.0, 1.0, None, home=1), [1, 2], now) == (2, 2)
    assert balancer.choose(waiting(5.0, 1.0, None, home=1), [1], now) == (1, 1)


def test_a_slow_worker_recovers_when_it_is_quick_again():
    balancer = balancer_of(2)
    now = let_work(balancer, {0: 1.0, 1: 4.0})
    assert balancer.state(1, now) is WorkerState.SLOW

    now = let_work(balancer, {0: 1.0, 1: 1.0}, now)
    assert balancer.state(1, now) is WorkerState.IDLE


def test_a_slow_worker_that_got_no_work_is_given_another_chance():
    balancer = balancer_of(2)
    now = let_work(balancer, {0: 1.0, 1: 4.0})

    assert balancer.state(1, now + 10.0) is WorkerState.SLOW
    later = now + 300.0
    assert balancer.choose(waiting(2.0), [1, 0], later) == (0, 1)

    balancer.started(1, "again", 1.0, later)
    balancer.ended(1, "again", later + 4.0)
    assert balancer.state(1, later + 4.0) is not WorkerState.DEAD


def test_predictions_that_are_wrong_for_all_make_no_worker_slow():
    balancer = balancer_of(3)
    now = let_work(balancer, {0: 5.0, 1: 6.0, 2: 5.0})

    assert set(balancer.states(now).values()) == {WorkerState.IDLE}


def test_one_slow_call_does_not_make_a_worker_slow():
    balancer = balancer_of(2)
    now = let_work(balancer, {0: 1.0})
    balancer.started(1, "bad", 1.0, now)
    balancer.ended(1, "bad", now + 100.0)

    assert balancer.state(1, now + 100.0) is WorkerState.IDLE


def test_an_overdue_call_is_listed_and_taking_it_away_counts_against_its_worker():
    balancer = balancer_of(3)
    now = let_work(balancer, {0: 1.0, 2: 1.0})
    for _ in range(2):
        balancer.started(1, "a", 1.0, now, high_s=3.0)
        balancer.started(0, "b", None, now, high_s=1.0)
        assert balancer.overdue(now + 2.0) == []
        now += 10.0
        overdue = balancer.overdue(now)
        assert {(one.place, one.task_id) for one in overdue} == {(0, "b"), (1, "a")}
        assert {one.over_s for one in overdue if one.place == 1} == {4.0}
        assert overdue[0].over_s > overdue[1].over_s
        assert balancer.relieved(1, "a", now)
        assert not balancer.ended(1, "a", now)
        assert balancer.ended(0, "b", now)

    assert balancer.state(1, now) is WorkerState.SLOW


def test_a_call_taken_away_early_says_nothing_about_its_worker():
    balancer = balancer_of(2)
    now = let_work(balancer, {0: 1.0, 1: 4.0})
    for number in range(5):
        balancer.started(1, number, 100.0, now)
        balancer.relieved(1, number, now)

    assert balancer.state(1, now) is WorkerState.SLOW


def test_failing_fast_does_not_make_a_worker_quick():
    balancer = balancer_of(2)
    now = let_work(balancer, {0: 1.0, 1: 4.0})
    for number in range(5):
        balancer.started(1, number, 100.0, now)
        balancer.ended(1, number, now, failed=True)

    assert balancer.state(1, now) is WorkerState.SLOW


def test_a_dead_worker_gives_its_calls_back_and_gets_none_until_another_joins():
    balancer = balancer_of(2)
    balancer.started(0, "a", 1.0, 0.0)
    balancer.started(0, "b", 1.0, 0.0)

    assert balancer.worker_died(0, 1.0) == ["a", "b"]
    assert balancer.state(0, 1.0) is WorkerState.DEAD
    assert balancer.choose(waiting(1.0, home=0), [0, 1], 1.0) == (0, 1)
    assert balancer.choose(waiting(1.0), [0], 1.0) is None
    assert not balancer.ended(0, "a", 2.0)
    with pytest.raises(Conflict, match="is dead"):
        balancer.started(0, "c", 1.0, 1.0)

    balancer.worker_joined(0, 2.0)
    assert balancer.choose(waiting(1.0, home=0), [1, 0], 2.0) == (0, 0)


def test_what_cannot_be_is_refused():
    balancer = balancer_of(1)
    balancer.started(0, "a", 1.0, 0.0)

    assert balancer.state(0, 0.0) is WorkerState.BUSY
    with pytest.raises(Conflict, match="already"):
        balancer.worker_joined(0, 0.0)
    with pytest.raises(Conflict, match="has it already"):
        balancer.started(0, "a", 1.0, 0.0)
    with pytest.raises(NotFound, match="no worker at the place 7"):
        balancer.state(7, 0.0)


class Workshop:
    """Workers of different speeds on a clock of their own, led by a balancer."""

    def __init__(self, lengths: Sequence[float], speeds: Sequence[float]):
        self.balancer = balancer_of(len(speeds))
        self.speeds = speeds
        self.lengths: dict[Hashable, float] = dict(enumerate(lengths))
        self.left: list[Hashable] = list(self.lengths)
        self.free = list(range(len(speeds)))
        self.ends: list[tuple[float, int, Hashable]] = []
        self.done: Counter[Hashable] = Counter()
        self.dead: set[int] = set()
        self.now = 0.0

    def run(self, deaths: Mapping[int, int] | None = None) -> float:
        """The time when all is done; after so many ends, a place dies."""
        self.place_all()
        while self.ends:
            self.now, place, task = heapq.heappop(self.ends)
            if place in self.dead:
                continue
            assert self.balancer.ended(place, task, self.now)
            self.done[task] += 1
            self.free.append(place)
            self.die((deaths or {}).get(self.done.total()))
            self.place_all()
        return self.now

    def die(self, place: int | None) -> None:
        if place is not None and place not in self.dead and len(self.dead) < len(self.speeds) - 1:
            self.dead.add(place)
            self.left += self.balancer.worker_died(place, self.now)

    def place_all(self) -> None:
        while choice := self.balancer.choose(
            [Candidate(task_id=task, predicted_s=self.lengths[task]) for task in self.left],
            self.free,
            self.now,
        ):
            task = self.left.pop(choice.candidate)
            assert choice.place not in self.dead
            self.free.remove(choice.place)
            self.balancer.started(choice.place, task, self.lengths[task], self.now)
            took = self.lengths[task] / self.speeds[choice.place]
            heapq.heappush(self.ends, (self.now + took, choice.place, task))


def least_time(lengths: Sequence[int], workers: int) -> int:
    """The shortest time in which workers can do it all, by trying everything."""
    loads = {(0,) * workers}
    for length in lengths:
        loads = {
            tuple(sorted((*load[:place], load[place] + length, *load[place + 1 :])))
            for load in loads
            for place in range(workers)
        }
    return min(map(max, loads))


@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=9), workers=st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_with_exact_predictions_it_takes_no_longer_than_grahams_bound(lengths, workers):
    shop = Workshop(lengths, [1.0] * workers)

    took = shop.run()

    assert took <= (4 / 3 - 1 / (3 * workers)) * least_time(lengths, workers) + 1e-9
    assert set(shop.done.values()) == {1}
    assert len(shop.done) == len(lengths)


@given(
    lengths=st.lists(st.floats(0.01, 100.0), min_size=1, max_size=60),
    speeds=st.lists(st.sampled_from([1.0, 1.0, 0.25, 2.0]), min_size=2, max_size=5),
    deaths=st.dictionaries(st.integers(1, 40), st.integers(0, 4), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_each_task_is_done_once_whoever_dies_or_is_slow(lengths, speeds, deaths):
    deaths = {after: place for after, place in deaths.items() if place < len(speeds)}
    shop = Workshop(lengths, speeds)

    shop.run(deaths)

    assert shop.left == []
    assert shop.done == Counter(dict.fromkeys(range(len(lengths)), 1))


@pytest.mark.parametrize("seed", range(20))
def test_with_one_worker_four_times_slower_it_beats_taking_turns(seed):
    chance = random.Random(seed)
    lengths = [chance.uniform(0.5, 10.0) for _ in range(40)]
    speeds = [0.25, 1.0, 1.0, 1.0]
    in_turns = max(sum(lengths[place::4]) / speeds[place] for place in range(4))

    took = Workshop(lengths, speeds).run()

    assert took <= 0.6 * in_turns
