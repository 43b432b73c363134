"""Takes a model's thoughts out of what it says: ``<think>…</think>`` before or between lines."""

from __future__ import annotations

import re

# Source: the chat templates of DeepSeek R1, Qwen 3 and Magistral (``think``), and of models tuned
# on others' traces (``thinking``, ``thought``).
_NAMES = "think|thinking|thought"
# Only at the start of a line: what is written about such tags inside a sentence stays.
_OPENING = re.compile(rf"\n[ \t]*<({_NAMES})>")
_MAY_OPEN = re.compile(r"\n[ \t]*(?:<[a-z]{0,8})?\Z")
# Some templates open the thought in the prompt, so that only its end is said.
_LONE_CLOSING = re.compile(rf"</(?:{_NAMES})>[ \t]*(?:\n|\Z)")


def without_thoughts(text: str) -> str:
    """A whole answer without its thoughts; what was cut off within a thought is one, too."""
    thoughts = ThoughtFilter()
    said = thoughts.feed(text) + thoughts.end()
    # An answer in JSON does not open in the middle of a thought, but may hold such a word.
    if thoughts.found or said.lstrip()[:1] in {"{", "["}:
        return said
    return (
        _LONE_CLOSING.split(said, maxsplit=1)[-1].lstrip() if _LONE_CLOSING.search(said) else said
    )


class ThoughtFilter:
    """Takes thoughts out of an answer that comes in parts.

    What may turn out to be the start of a tag is held back until it is known. A thought whose
    start is not said cannot be told from an answer in time; ``without_thoughts`` takes it out.
    """

    def __init__(self) -> None:
        self.found = False
        self._held = ""
        self._closing = ""  # the tag that ends the thought we are in; "" outside of one
        self._after_thought = False
        self._last = "\n"  # the character before what is held: the text begins as a line does

    def feed(self, part: str) -> str:
        """What of the answer so far can be shown, and has not been."""
        self._held += part
        shown: list[str] = []
        while self._step(shown):
            pass
        return "".join(shown)

    def end(self) -> str:
        """What was held back, once nothing more comes."""
        rest = "" if self._closing else self._held
        self._held = ""
        return rest

    def _step(self, shown: list[str]) -> bool:
        """Go on by one tag; whether there may be another."""
        if self._closing:
            return self._leave_thought()
        if self._after_thought:
            self._held = self._held.lstrip()
            if not self._held:
                return False
            self._after_thought = False
        context = self._last + self._held
        opening = _OPENING.search(context)
        if opening is None:
            unsure = _MAY_OPEN.search(context)
            self._show(max(0, unsure.start() - 1) if unsure else len(self._held), shown)
            return False
        # With the line end before it, unless that is only our "the text begins here".
        self._show(opening.start(), shown)
        self._held = self._held[opening.end() - 1 - opening.start() :]
        self._closing = f"</{opening[1]}>"
        self.found = True
        return True

    def _leave_thought(self) -> bool:
        before, closing, after = self._held.partition(self._closing)
        if not closing:
            # The end of it may be cut in two.
            self._held = before[-len(self._closing) + 1 :]
            return False
        self._held = after
        self._closing = ""
        self._after_thought = True
        self._last = "\n"
        return True

    def _show(self, length: int, shown: list[str]) -> None:
        if length:
            shown.append(self._held[:length])
            self._last = self._held[length - 1]
            self._held = self._held[length:]
