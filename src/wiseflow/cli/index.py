"""``wiseflow index``: read documents into a collection, and search it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import Display, render_duration, shorten, show_path
from wiseflow.cli.running import with_application
from wiseflow.cli.topics import read_lines
from wiseflow.core.documents import Hit
from wiseflow.core.errors import InvalidInput
from wiseflow.core.library import DEFAULT_COLLECTION, Collection
from wiseflow.library.ingesting import IngestReport

EXIT_SOME_FAILED = 1
MOST_FAILURES_SHOWN = 50


class AddByDefault(click.Group):
    """A group in which ``wiseflow index PATH…`` means ``wiseflow index add PATH…``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with, or ``add`` when they begin with a path."""
        if args and self.get_command(ctx, args[0]) is None:
            return super().resolve_command(ctx, ["add", *args])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options before the first path belong to ``add`` too."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["add", *args]
        return super().parse_args(ctx, args)


@click.group(cls=AddByDefault, subcommand_metavar="PATH… | COMMAND [ARGS]…")
def index() -> None:
    """Index documents, and search them.

    `wiseflow index PATH…` reads files and folders: Markdown, text, HTML, PDF, DOCX, JSON Lines, and
    .gz of them. Files that have not changed are passed over, and those that are gone are dropped.
    """


@index.command()
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collection", default=DEFAULT_COLLECTION, show_default=True)
@click.option("--private", is_flag=True, help="Never send its passages to another machine.")
@click.option("--json", "as_json", is_flag=True, help="What was done, as one JSON object.")
@click.pass_context
def add(
    click_context: click.Context,
    paths: tuple[Path, ...],
    collection: str,
    private: bool,
    as_json: bool,
) -> None:
    """Read files and folders into a collection (this is what `wiseflow index PATH…` does)."""
    context: CommandContext = click_context.obj

    async def act(app: Application) -> IngestReport:
        with Display() as display:
            return await app.ingest(
                paths, collection=collection, private=private, progress=display.show_reading
            )

    done = with_application(context.settings(), act)
    click.echo(ingest_json(done) if as_json else render_ingest(done, collection))
    if done.failed:
        click_context.exit(EXIT_SOME_FAILED)


@index.command()
@click.argument("queries", metavar="QUERY…", nargs=-1)
@click.option(
    "--queries", "file", type=click.Path(path_type=Path), help="One a line, or JSON Lines."
)
@click.option("--collection", default=DEFAULT_COLLECTION, show_default=True)
@click.option("--k", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option("--mode", type=click.Choice(["hybrid"]), default="hybrid", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a hit and line.")
@click.pass_obj
def search(
    context: CommandContext,
    queries: tuple[str, ...],
    file: Path | None,
    collection: str,
    k: int,
    mode: str,
    as_json: bool,
) -> None:
    """Search a collection: QUERY…, or the queries of a file ({"id": …, "text": …} a line)."""
    del mode  # there is one so far; the option is part of the contract
    asked = [(str(number), text) for number, text in enumerate(queries, start=1)]
    asked += read_queries(file) if file else []
    if not asked:
        raise click.UsageError("give a QUERY, or a file of them with --queries")

    async def act(app: Application) -> None:
        for query_id, text in asked:
            hits = await app.search(text, collection=collection, k=k)
            click.echo(render_hits(query_id, text, hits, as_json=as_json), nl=False)

    with_application(context.settings(), act)


@index.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a collection and line.")
@click.pass_obj
def list_collections(context: CommandContext, as_json: bool) -> None:
    """List the collections."""
    found = with_application(context.settings(), lambda app: app.documents.collections())
    click.echo(render_collections(found, as_json=as_json), nl=False)


@index.command()
@click.argument("collection")
@click.pass_obj
def remove(context: CommandContext, collection: str) -> None:
    """Erase a collection with its index. Sources that reports cite stay until those are deleted."""
    with_application(context.settings(), lambda app: app.delete_collection(collection))
    click.echo(f"The collection {collection} is erased; copies in backups remain.")


def read_queries(path: Path) -> list[tuple[str, str]]:
    """Queries with their ids: JSON Lines with ``text`` and optional ``id``, or one a line.

    Raises:
        InvalidInput: the file cannot be read, or a line is wrong (it is named).
    """
    return [
        _query(line, number, path.name) for number, line in read_lines(path, "queries file") if line
    ]


def _query(line: str, number: int, name: str) -> tuple[str, str]:
    if not line.startswith("{"):
        return str(number), line
    try:
        record: dict[str, object] = json.loads(line)
        return str(record.get("id", number)), str(record["text"])
    except (ValueError, RecursionError, KeyError) as error:
        raise InvalidInput(
            f"{name}, line {number}: not a query ({error})", cure='Write {"id": "…", "text": "…"}'
        ) from error


def render_hits(query_id: str, query: str, hits: Sequence[Hit], *, as_json: bool) -> str:
    """The hits of one query: for a person, or one JSON object a hit and line."""
    if as_json:
        return "".join(
            json.dumps(hit_fields(query_id, rank, hit), ensure_ascii=False) + "\n"
            for rank, hit in enumerate(hits, start=1)
        )
    lines = [f"{query}", *(_hit_lines(rank, hit) for rank, hit in enumerate(hits, start=1))]
    return "\n".join(lines if hits else [query, "  nothing found"]) + "\n\n"


def hit_fields(query_id: str, rank: int, hit: Hit) -> dict[str, object]:
    """A hit as the contract names it."""
    passage = hit.passage
    return {
        "query_id": query_id,
        "rank": rank,
        "score": round(hit.score, 6),
        "source_id": passage.source_id,
        "document_id": hit.document_id,
        "path": hit.path,
        "title": passage.title,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
    }


def _hit_lines(rank: int, hit: Hit) -> str:
    passage = hit.passage
    where = passage.title or hit.document_id
    above = f" › {passage.heading}" if passage.heading else ""
    return (
        f"{rank:>3}. {where}{above}  ({hit.path} {passage.start}–{passage.end})\n"
        f"     {shorten(passage.text, 160)}"
    )


def render_collections(found: Sequence[Collection], *, as_json: bool) -> str:
    """The collections with their counts."""
    if as_json:
        return "".join(
            json.dumps({name: getattr(one, name) for name in Collection.__slots__}) + "\n"
            for one in found
        )
    if not found:
        return "No collections yet. `wiseflow index PATH…` makes one.\n"
    return "".join(
        f"{one.name:<32} {one.files:>6} files {one.sources:>7} sources {one.passages:>8} passages"
        f"{'  private' if one.private else ''}\n"
        for one in found
    )


def render_ingest(done: IngestReport, collection: str) -> str:
    """What indexing did, and each file that could not be read with its reason."""
    rate = done.passages / done.seconds if done.seconds > 0 else 0.0
    first = (
        f"Collection {collection}: {done.added} added, {done.changed} changed, "
        f"{done.unchanged} unchanged, {done.removed} removed, {len(done.failed)} failed; "
        f"{done.passages} passages in {render_duration(done.seconds)} ({rate:,.0f} a second)."
    )
    lines = [first]
    lines += [
        f"  failed: {show_path(path)}: {reason}"
        for path, reason in done.failed[:MOST_FAILURES_SHOWN]
    ]
    more = len(done.failed) - MOST_FAILURES_SHOWN
    if more > 0:
        lines.append(f"  … and {more} more; --json lists them all")
    return "\n".join(lines)


def ingest_json(done: IngestReport) -> str:
    """What indexing did, as one JSON object."""
    return json.dumps(
        {
            "added": done.added,
            "changed": done.changed,
            "unchanged": done.unchanged,
            "removed": done.removed,
            "failed": [{"path": path, "reason": reason} for path, reason in done.failed],
            "passages": done.passages,
            "seconds": round(done.seconds, 3),
        },
        ensure_ascii=False,
    )
