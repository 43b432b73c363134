"""The page to log in at, as it is without the dashboard: what is on it, and one way to draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView:
    """What is on the page.

    Args:
        action: where its form is sent.
        next_page: where to go afterwards; a hidden field of the form, ``next``.
        error: why the last try failed, or "".
    """

    action: str
    next_page: str
    error: str = ""


DrawLogin = Callable[[LoginView], str]


def draw_plain(view: LoginView) -> str:
    """The page in plain HTML."""
    error = f'<p role="alert">{escape(view.error)}</p>' if view.error else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Log in · WiseFlow</title></head><body><main><h1>Log in</h1>"
        f'{error}<form method="post" action="{escape(view.action)}">'
        '<p><label>API key <input name="key" type="password" required '
        'autocomplete="current-password"></label></p>'
        f'<input type="hidden" name="next" value="{escape(view.next_page)}">'
        '<p><button type="submit">Log in</button></p></form></main></body></html>'
    )
