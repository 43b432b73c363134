"""Makes what a model is given fit into its context, by tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from wiseflow.core.errors import ContextTooLong
from wiseflow.core.gateways import ModelCalls
from wiseflow.research.modelled.prompting import Piece, Prompt
from wiseflow.text.sentences import sentences

T = TypeVar("T")
# Rather fewer passages that are whole than many that are cut; below so many, rather cut ones.
FEWEST_WHOLE = 3
# A model may have another count than we have: then it is tried with a quarter less, so often.
SHORTER, MOST_SHORTENED = 0.75, 3
# What a server writes around the messages, and the tags around a piece.
AROUND_TOKENS, PIECE_TOKENS = 64, 24
# No answer may take more than this share of the context from what it is to be written from.
ANSWER_SHARE = 1 / 3
# A piece is never cut to less.
FEWEST_CHARACTERS = 80
# Of what a piece may keep, whole sentences have to fill so much; else it is cut within one.
LEAST_KEPT = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What a model has room for in one request.

    Args:
        input_tokens: of all that it is given.
        max_tokens: of its answer.
        context_tokens: of both, as the model is to be loaded.
    """

    input_tokens: int
    max_tokens: int
    context_tokens: int


def space(models: ModelCalls, model: str, *, answer_tokens: int, share: float = 1.0) -> Space:
    """What there is room for.

    Args:
        models: knows the model's room.
        model: ``provider:model``.
        answer_tokens: how long an answer may have to be.
        share: of the context that may be used, for a model that counts otherwise than we do.
    """
    room = models.room(model)
    most = min(answer_tokens, room.output_tokens, int(room.context_tokens * ANSWER_SHARE))
    max_tokens = max(1, most)
    given = int((room.context_tokens - max_tokens) * share) - AROUND_TOKENS
    return Space(
        input_tokens=max(1, given), max_tokens=max_tokens, context_tokens=room.context_tokens
    )


def fit(
    pieces: Sequence[Piece], most_tokens: int, count: Callable[[str], int]
) -> tuple[Piece, ...]:
    """As much of the pieces as has ``most_tokens``.

    The worst are left out first; when only few are left, the longest are cut at the end of a
    sentence; at last all but the best is left out.

    Args:
        pieces: the best first.
        most_tokens: that they may have together.
        count: the tokens of a text.
    """
    counted = lru_cache(maxsize=None)(count)
    kept = list(pieces)
    while len(kept) > FEWEST_WHOLE and _tokens(kept, counted) > most_tokens:
        kept.pop()
    while (over := _tokens(kept, counted) - most_tokens) > 0:
        longest = max(range(len(kept)), key=lambda place: len(kept[place].text), default=-1)
        shorter = _cut(kept[longest], over, counted) if kept else None
        if shorter is not None:
            kept[longest] = shorter
        elif len(kept) > 1:
            kept.pop()
        else:
            break
    return tuple(kept)


def cut_at_sentence(text: str, characters: int) -> str:
    """The beginning of ``text``, up to the last sentence that ends within ``characters``.

    Where that would leave too little, up to the last space.
    """
    if len(text) <= characters:
        return text
    ends = [span.end for span in sentences(text, end=characters) if span.end < characters]
    if ends and ends[-1] >= characters * LEAST_KEPT:
        return text[: ends[-1]]
    return text[:characters].rpartition(" ")[0] or text[:characters]


async def shrinking(
    attempt: Callable[[float, str], Awaitable[T]], on_shorter: Callable[[], None]
) -> T:
    """What ``attempt`` gives, made with less and less as long as the model finds it too long.

    Args:
        attempt: is given the share of the context to use, and what its step's name ends in.
        on_shorter: is told of each further attempt.

    Raises:
        ContextTooLong: it was still too long at the last.
    """
    share = 1.0
    for number in range(MOST_SHORTENED):
        try:
            return await attempt(share, f"/shorter/{number}" if number else "")
        except ContextTooLong:
            on_shorter()
            share *= SHORTER
    return await attempt(share, f"/shorter/{MOST_SHORTENED}")


def tokens_of(prompt: Prompt, count: Callable[[str], int]) -> int:
    """The tokens of a prompt."""
    return count(prompt.system) + count(prompt.user)


def _tokens(pieces: Sequence[Piece], count: Callable[[str], int]) -> int:
    return sum(PIECE_TOKENS + count(piece.title) + count(piece.text) for piece in pieces)


def _cut(piece: Piece, over: int, count: Callable[[str], int]) -> Piece | None:
    """The piece with about ``over`` tokens less, or ``None`` when it cannot be cut further."""
    has = max(1, count(piece.text))
    keep = max(FEWEST_CHARACTERS, int(len(piece.text) * max(0.0, 1 - (over + 1) / has)))
    # Never more than half at once: the other long ones may give something, too.
    keep = max(keep, len(piece.text) // 2)
    text = cut_at_sentence(piece.text, min(keep, len(piece.text) - 1))
    return replace(piece, text=text) if FEWEST_CHARACTERS <= len(text) < len(piece.text) else None
