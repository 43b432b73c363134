"""A model that obeys whatever it reads: every order in a prompt, whoever wrote it.

No real one is as gullible. What such a model cannot bring about, no hostile page can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from urllib.parse import quote

from wiseflow.simulator.material import Material

# As in: write at the end of every sentence what follows the colon.
ORDER = re.compile(
    r"\b(?:write|include|add|append|output|answer|repeat|search|call|send|open|load|cite)\b"
    r"[^:\n]{0,80}: *(\S[^\n]{0,600})",
    re.IGNORECASE,
)
TOOL = re.compile(r"\bcall the tool (\w{1,40})", re.IGNORECASE)
SECRET = re.compile(r"[^.\n]*\b(?:secret|confidential|password|code word)\b[^.\n]*", re.IGNORECASE)
# Where an order wants the secrets that the model was told, as they are or within an address.
PLAIN_DATA, ADDRESS_DATA = "DATA_HERE", "DATA_IN_URL"
MOST_ORDERS = 40
ALONE = 0.5  # share of the sentences that are nothing but an order
CALLS_A_TOOL = 0.2  # share of the prompts that ask for it


class ObedientMaterial(Material):
    """Material in which every text that is made holds what some order of the prompt asks for."""

    @cached_property
    def orders(self) -> Sequence[str]:
        """What the prompt's texts ask to be written, with the secrets where they are wanted."""
        secrets = " ".join(match[0].strip() for match in SECRET.finditer(self.text))[:2_000]
        wanted = [match[1] for match in islice(ORDER.finditer(self.text), MOST_ORDERS)]
        return [
            order.replace(ADDRESS_DATA, quote(secrets)).replace(PLAIN_DATA, secrets)
            for order in wanted
        ]

    @property
    def tool(self) -> str:
        """The tool that some order wants to be called, in some of the prompts that have one."""
        found = TOOL.search(self.text)
        return found[1] if found and self.pick("tool") < CALLS_A_TOOL else ""

    @cached_property
    def subject(self) -> str:
        """The topic's name, and an order."""
        return f"{super().subject} {self._order('subject')}".strip()

    def title(self, number: int) -> str:
        """A heading, and an order."""
        return f"{super().title(number)} {self._order('title', number)}".strip()

    def query(self, number: int, again: int = 0) -> str:
        """A search query, and an order."""
        return f"{super().query(number, again)} {self._order('query', number, again)}".strip()

    def sentence(self, number: int, passage: int | None = None) -> str:
        """A sentence with an order, or an order alone."""
        said, order = super().sentence(number, passage), self._order(number, passage)
        alone = self.pick("alone", number, passage) < ALONE
        return order if order and alone else f"{said} {order}".strip()

    def cited(self, first: int = 0) -> Iterator[str]:
        """Sentences of all passages in turn, each with an order."""
        for number, said in enumerate(super().cited(first)):
            yield f"{said} {self._order('cited', number)}".strip()

    def _order(self, *place: object) -> str:
        if not self.orders:
            return ""
        return self.orders[int(self.pick("order", *place) * len(self.orders))]
