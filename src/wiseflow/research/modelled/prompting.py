"""Prompts: templates with versions, and how what others wrote is put into them.

What a page, a document or a model wrote is data. It stands between tags, and every value that a
template shows is defused first, whatever it is: no value can close its tag, look like another
passage's id, or hold a token by which a model's server tells who speaks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from wiseflow.core.asking import Message, Speaker

# The version that is in use of each template; an older one may stay beside it for comparison.
VERSIONS = {
    "plan": 1,
    "plan_simpler": 1,
    "read": 1,
    "read_simpler": 1,
    "write": 2,
    "write_simpler": 2,
    "critique": 1,
    "critique_simpler": 1,
    "summary": 1,
    "summary_simpler": 1,
    "judge": 1,
    "judge_simpler": 1,
    "repair": 1,
}
_SPLIT = "=====\n"
_LONGEST_LINE = 200

# Controls, marks of direction, and characters that nobody sees but a model reads.
# Source: Unicode Standard 16, chapter 23 "Special Areas and Format Characters".
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
# What may open a tag, or a token such as <|im_start|> or </s>, its letters being of full width or
# not. Between them may stand what nobody sees either, but some script needs: joiners, fillers,
# selectors of variants.
_GAP = r"[\s\u034f\u115f\u1160\u180b-\u180e\u200c\u200d\u3164\ufe00-\ufe0f\uffa0]{0,8}"
_TAG = re.compile(rf"[<\uff1c\ufe64](?={_GAP}[/|!?\uff0f\uff5c]?{_GAP}[A-Za-z|_\uff5c])")
# What a reader of the answer takes for an id, and what some models take for a turn of speech.
_MARK = re.compile(
    r"\[\s{0,3}((?:[pc]\s?)?\d{1,4}|/?(?:INST|SYS|TOOL_CALLS))\s{0,3}\]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One numbered part of what a model is given.

    Args:
        id: what the model cites it by: ``p1``, ``c1``.
        title: of its document or section.
        text: what it says.
    """

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is told.

    Args:
        name: of the template with its version: ``write_v1``.
        system, user: the two messages.
    """

    name: str
    system: str
    user: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """As a conversation."""
        return (
            Message(speaker=Speaker.SYSTEM, text=self.system),
            Message(speaker=Speaker.USER, text=self.user),
        )


def piece(number_id: str, title: str, text: str) -> Piece:
    """A piece of what others wrote; its title cannot end the attribute that it stands in."""
    title = defused(one_line(title)).replace('"', "”")
    return Piece(id=number_id, title=title, text=defused(text))


def prompt(name: str, **values: object) -> Prompt:
    """The template ``name`` in the version in use, with these values in it, defused."""
    system, user = _templates(name)
    return Prompt(
        name=f"{name}_v{VERSIONS[name]}",
        system=system.render(values).strip(),
        user=user.render(values).strip(),
    )


def repairing(asked: Prompt, faults: Sequence[str]) -> Prompt:
    """The same prompt, and what was wrong with the last answer.

    The faults go into the same message: some servers refuse two of one speaker in a row.
    """
    told = prompt("repair", faults=faults)
    return Prompt(name=told.name, system=asked.system, user=f"{asked.user}\n\n{told.user}")


def language_line(language: str, *, otherwise: str) -> str:
    """Which language to write in, as a sentence.

    Args:
        language: ISO 639-1 code, or "" for that of something given.
        otherwise: what that is.
    """
    if language:
        return f'Write in the language with the ISO 639-1 code "{language}".'
    return f"Write in the language of the {otherwise}."


def defused(text: str) -> str:
    """``text`` without what could act in a prompt instead of being read."""
    return _MARK.sub(r"(\1)", _TAG.sub("‹", _HIDDEN.sub("", text)))


def one_line(text: str, *, longest: int = _LONGEST_LINE) -> str:
    """``text`` on one line, without what nobody sees.

    Args:
        text: any text.
        longest: the most characters that are kept.
    """
    line = " ".join(_HIDDEN.sub(" ", text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _shown(value: object) -> object:
    return defused(value) if isinstance(value, str) else value


@lru_cache(maxsize=len(VERSIONS))
def _templates(name: str) -> tuple[Template, Template]:
    environment = _environment()
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, f"{name}.v{VERSIONS[name]}.md")
    # Split before anything is filled in, so that no value can move where the split is.
    system, user = source.split(_SPLIT, 1)
    return environment.from_string(system), environment.from_string(user)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("wiseflow.research.modelled", "prompts"),
        autoescape=False,  # noqa: S701 - models read text, not HTML; ``finalize`` defuses it
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
