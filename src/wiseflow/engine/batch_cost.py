"""What a batch costs, learned from batches: so much for itself, and so much for each item."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Some fifty batches decide; those before count less and less, as providers change with the hour.
KEPT_PER_BATCH = 0.98
LEAST_BATCHES = 4
# Where a batch's own cost is below this part of its items', batching more saves less than that
# part of the time, while the first of them waits for the last.
WORTH = 0.1
# Once single items are sent, nothing is learned of batches; every so many times one is sent again.
TRY_EVERY = 32


@dataclass(slots=True)
class BatchCost:
    """The line t = a + b·n through the times t of batches of n items, by least squares with decay.

    Source: any textbook on recursive least squares with a forgetting factor; two unknowns, so the
    sums are kept and solved directly.
    """

    batches: int = 0
    weight: float = 0.0
    n: float = 0.0
    nn: float = 0.0
    t: float = 0.0
    nt: float = 0.0
    singles: int = 0

    def add(self, items: int, seconds: float) -> None:
        """A batch of so many items took so long."""
        self.batches += 1
        self.singles = self.singles + 1 if items == 1 else 0
        self.weight = self.weight * KEPT_PER_BATCH + 1.0
        self.n = self.n * KEPT_PER_BATCH + items
        self.nn = self.nn * KEPT_PER_BATCH + items * items
        self.t = self.t * KEPT_PER_BATCH + seconds
        self.nt = self.nt * KEPT_PER_BATCH + items * seconds

    def line(self) -> tuple[float, float] | None:
        """Seconds for a batch and for an item, neither below 0; ``None`` if not known yet.

        It is not known while all batches were of one size.
        """
        spread = self.weight * self.nn - self.n * self.n
        if self.batches < LEAST_BATCHES or spread <= 1e-9 * self.weight * self.nn:
            return None
        per_item = (self.weight * self.nt - self.n * self.t) / spread
        per_item = max(per_item, 0.0)
        return max((self.t - per_item * self.n) / self.weight, 0.0), per_item

    def best_size(self, most: int) -> int:
        """How many items a batch is to have: more would save less than a tenth of its time.

        Args:
            most: there may be so many; the answer while nothing is known.
        """
        line = self.line()
        if line is None or self.singles >= TRY_EVERY:
            return most
        per_batch, per_item = line
        if per_batch <= WORTH * per_item:
            return 1
        return most if per_item <= 0 else min(math.ceil(per_batch / (WORTH * per_item)), most)
