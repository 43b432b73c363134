"""Each store walked together with a model of dicts."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from wiseflow.core.limits import Dimension, LeaseAsk, LeaseReturn, LimitKey, SlotAsk

from .conftest import opened

KEYS = [LimitKey(provider="p", account="a", model=model) for model in ("", "m")]
R = Dimension.REQUESTS
LONG_S = 100_000.0
LIMIT = 20.0
keys = st.sampled_from(KEYS)
holders = st.sampled_from(["a", "b:1", "c"])
amounts = st.integers(1, 9)


class StoreMachine(RuleBasedStateMachine):
    """Every rule does a thing to the store and to the model, and compares what both say."""

    address: tuple[str, str]

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.context = opened(*self.address)
        self.store = self.run(self.context.__aenter__())
        self.round = self.fresh()
        self.lent: dict[tuple[LimitKey, str], float] = {}
        self.slots: dict[LimitKey, dict[str, tuple[int, int]]] = {key: {} for key in KEYS}
        self.paused: set[LimitKey] = set()
        self.found: dict[LimitKey, float] = {}

    def fresh(self) -> int:
        """A number of its own for each walk: a database keeps what the last one left."""
        StoreMachine.walks += 1
        return StoreMachine.walks

    walks = 0

    def of_walk(self, key: LimitKey) -> LimitKey:
        return LimitKey(provider=f"p{self.round}", account=key.account, model=key.model)

    def run(self, call: Any) -> Any:
        return self.runner.run(call)

    def teardown(self):
        self.run(self.context.__aexit__(None, None, None))
        self.runner.close()

    def used(self, key: LimitKey) -> float:
        return sum(amount for (one, _), amount in self.lent.items() if one == key)

    @rule(pairs=st.lists(st.tuples(keys, amounts, amounts), min_size=1, max_size=2), holder=holders)
    def lease(self, pairs, holder):
        pairs = list({key: (key, least, least + more) for key, least, more in pairs}.values())
        asks = [
            LeaseAsk(
                key=self.of_walk(key),
                dimension=R,
                window_s=LONG_S,
                limit=LIMIT,
                least=least,
                most=most,
            )
            for key, least, most in pairs
        ]

        leased = self.run(self.store.lease(asks, holder=holder))

        fits = all(self.used(key) + least <= LIMIT for key, least, _ in pairs)
        lent = fits and not any(key in self.paused for key, _, _ in pairs)
        expected = [min(most, LIMIT - self.used(key)) if lent else 0 for key, _, most in pairs]
        assert list(leased.amounts) == expected
        assert (leased.retry_in_s == 0) == lent
        assert leased.learnt == tuple(self.found.get(key) for key, _, _ in pairs)
        for (key, _, _), amount in zip(pairs, expected, strict=True):
            self.lent[key, holder] = self.lent.get((key, holder), 0) + amount
        assert leased.used == tuple(self.used(key) for key, _, _ in pairs)

    @rule(key=keys, holder=holders)
    def lease_what_is_over_at_once(self, key, holder):
        ask = LeaseAsk(
            key=self.of_walk(key), dimension=R, window_s=0.0, limit=LIMIT, least=LIMIT, most=LIMIT
        )
        if key not in self.paused:
            assert self.run(self.store.lease([ask], holder=holder)).amounts == (LIMIT,)

    @rule(key=keys, holder=holders, amount=amounts)
    def give_back(self, key, holder, amount):
        back = LeaseReturn(key=self.of_walk(key), dimension=R, window_s=LONG_S, amount=amount)
        self.run(self.store.give_back([back], holder=holder))
        self.lent[key, holder] = max(0, self.lent.get((key, holder), 0) - amount)

    @rule(
        key=keys,
        holder=holders,
        in_use=st.integers(0, 3),
        more=st.integers(0, 5),
        dead=st.booleans(),
    )
    def hold(self, key, holder, in_use, more, dead):
        ask = SlotAsk(
            key=self.of_walk(key),
            in_use=in_use,
            wanted=in_use + more,
            limit=7,
            ttl_s=0.0 if dead else LONG_S,
        )
        count = self.run(self.store.hold(ask, holder=holder))

        slots = self.slots[key]
        slots.pop(holder, None)
        part = math.ceil(7 / (1 + len(slots)))
        short = any(held < min(wanted, part) for held, wanted in slots.values())
        free = 7 - sum(held for held, _ in slots.values())
        most = max(in_use, min(in_use + more, part if short else 7))
        assert count == (min(free, most) if in_use + more else 0)
        if in_use + more and not dead:
            slots[holder] = (count, in_use + more)

    @rule(key=keys, seconds=st.sampled_from([0.0, 0.0, LONG_S]))
    def pause(self, key, seconds):
        self.run(self.store.pause(self.of_walk(key), seconds))
        if seconds:
            self.paused.add(key)

    @rule(key=keys, limit=st.floats(0.5, 1e9))
    def learn(self, key, limit):
        self.run(self.store.learn(self.of_walk(key), R, limit))
        self.found[key] = limit

    @invariant()
    def limits_are_kept(self):
        assert all(self.used(key) <= LIMIT for key in KEYS)
        assert all(sum(held for held, _ in slots.values()) <= 7 for slots in self.slots.values())


def test_a_store_does_what_its_model_does(store_address):
    machine = type("Machine", (StoreMachine,), {"address": store_address})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
