"""Plain web pages: the world's, under ``/pages`` and, by the name of their site, ``/site``."""

from __future__ import annotations

from wiseflow.simulator.calls import Call, CallKind, Incoming, Reply
from wiseflow.simulator.problems import Problem, ProblemKind
from wiseflow.simulator.provider import Desk, Endpoint, Provider

HTML = "text/html; charset=utf-8"
ROBOTS = b"User-agent: *\nDisallow: /private/\nAllow: /\n"


def problem(found: Problem) -> Reply:
    """An error as a page."""
    body = f"<!doctype html><title>{found.status}</title><h1>{found.message}</h1>".encode()
    return Reply(body=body, status=found.status, content_type=HTML)


def read_page(incoming: Incoming) -> Call:
    """Which page is asked for."""
    return Call(kind=CallKind.PAGE, query=incoming.parts["slug"])


def answer_page(call: Call, desk: Desk) -> Reply:
    """The page."""
    body = desk.shop.shelf.get(call.query)
    if body is None:
        return problem(Problem(kind=ProblemKind.NOT_FOUND, message="There is no such page"))
    return Reply(body=body, content_type=HTML)


def read_robots(incoming: Incoming) -> Call:  # noqa: ARG001 - as the others
    """A look at what robots may read."""
    return Call(kind=CallKind.INFO)


def answer_robots(call: Call, desk: Desk) -> Reply:  # noqa: ARG001 - as the others
    """All but what is private."""
    return Reply(body=ROBOTS, content_type="text/plain")


WEB = Provider(
    name="web",
    prefix="",
    endpoints=(
        Endpoint(method="GET", path="/pages/{slug}", read=read_page, answer=answer_page),
        Endpoint(method="GET", path="/private/{slug}", read=read_page, answer=answer_page),
        Endpoint(method="GET", path="/site/{host}/{slug}", read=read_page, answer=answer_page),
        Endpoint(method="GET", path="/robots.txt", read=read_robots, answer=answer_robots),
    ),
    problem=problem,
    keyed=False,
)
