"""`banchu memory`: the lessons of a run, a file or a store: list, search, export, import, forget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="List, search, export, import and forget lessons, of a run, a file or a store.", no_args_is_help=True
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="MEMORY",
        help="A run (folder, name under ./runs, `last`); a file: SQLite, JSON lines; or FILE.py:NAME of a store.",
    ),
]
ArmName = Annotated[str | None, typer.Option(help="Only what this arm wrote.")]
TaskName = Annotated[str | None, typer.Option(help="Only what was written about this task.")]
Oracle = Annotated[
    bool, typer.Option("--oracle/--no-oracle", help="With what was written under an oracle, or without.")
]
Good = Annotated[bool, typer.Option("--successes", help="Only of episodes that ended well, as far as their arm knew.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_entries(
    memory: Source,
    arm: ArmName = None,
    task: TaskName = None,
    oracle: Oracle = True,
    successes: Good = False,
    json: Json = False,
) -> None:
    """List lessons, oldest first.

    Examples: `banchu memory list last` · `banchu memory list lessons.sqlite --arm visible_tests --json`
    """
    from banchu.cli.memories import chosen, find_entries
    from banchu.cli.output import print_json, print_table
    from banchu.memory.codec import encode

    found = chosen(find_entries(memory), arm=arm, task=task, oracle=oracle, good=successes)
    if json:
        print_json([{"id": entry.id, **encode(entry)} for entry in found])
        return
    rows = (
        (e.id[:8], e.episode, e.round, e.pool.arm, f"{e.outcome}{', oracle' if e.oracle else ''}", e.text)
        for e in found
    )
    print_table(("id", "episode", "round", "arm", "ended", "lesson"), rows, title=f"{len(found)} lessons")


@app.command()
def search(
    memory: Source,
    words: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Lessons at most.")] = 5,
    embedder: Annotated[str, typer.Option(help="none (words alone), hashed, minilm, hf:..., openai:NAME.")] = "none",
    arm: ArmName = None,
    task: TaskName = None,
    json: Json = False,
) -> None:
    """Find lessons by their words, or by their meaning too, in their own text and that of their tasks.

    Examples: `banchu memory search last "empty list"` · `banchu memory search last "off by one" --embedder minilm`
    """
    import asyncio

    from banchu.cli.memories import chosen, find_entries
    from banchu.cli.memories import search as nearest
    from banchu.cli.output import print_json, print_table
    from banchu.memory.codec import encode
    from banchu.models.embedding.registry import open_embedder

    entries = chosen(find_entries(memory), arm=arm, task=task, oracle=True, good=False)
    found = asyncio.run(nearest(entries, words, k, open_embedder(embedder)))
    if json:
        scores = ("score", "lexical_rank", "lexical_score", "dense_rank", "similarity")
        print_json([{"id": e.id, **encode(e), **{name: getattr(hit, name) for name in scores}} for e, hit in found])
        return
    rows = ((e.id[:8], f"{hit.score:.4f}", hit.similarity, e.episode, e.pool.arm, e.text) for e, hit in found)
    print_table(("id", "score", "similarity", "episode", "arm", "lesson"), rows)


@app.command()
def export(
    memory: Source,
    out: Annotated[Path | None, typer.Option(help="A file of JSON lines. Default: stdout.")] = None,
    arm: ArmName = None,
    task: TaskName = None,
    oracle: Oracle = True,
    successes: Good = False,
) -> None:
    """Write lessons as JSON lines, which --memory-file and `banchu memory import` read.

    Lessons of oracle arms may quote sealed tests: --no-oracle leaves them out.

    Example: `banchu memory export last --no-oracle --out lessons.jsonl`
    """
    from banchu.cli.memories import chosen, find_entries
    from banchu.core.errors import StorageError
    from banchu.memory.codec import to_line

    found = chosen(find_entries(memory), arm=arm, task=task, oracle=oracle, good=successes)
    text = "".join(f"{to_line(entry)}\n" for entry in found)
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text)
    except OSError as error:
        raise StorageError(f"cannot write {str(out)!r}: {error.strerror or error}; choose another --out") from None
    print(f"{len(found)} lessons in {out}")


@app.command("import")
def import_entries(
    file: Annotated[
        str, typer.Argument(help="A memory in SQLite, which is made where there is none; or FILE.py:NAME of a store.")
    ],
    memory: Source,
    name: Annotated[str | None, typer.Option(help="Keep them under this name instead of their run's.")] = None,
    oracle: Oracle = True,
    successes: Good = False,
) -> None:
    """Put lessons of a run or a file into a lasting memory. What is there already is kept once.

    Examples: `banchu memory import lessons.sqlite last --no-oracle` · `banchu memory import shelf.py:store last`
    """
    import asyncio
    from dataclasses import replace

    from banchu.cli.memories import chosen, find_entries, lasting
    from banchu.core.errors import ConfigError
    from banchu.memory import Entry, Pool
    from banchu.memory.entry import is_unicode

    if not is_unicode(name or ""):
        raise ConfigError(f"memory import: --name {name!r} is no Unicode; choose another")

    def named(entry: Entry) -> Entry:
        return replace(entry, pool=Pool("lasting", name, entry.pool.arm)) if name is not None else entry

    found = chosen(find_entries(memory), arm=None, task=None, oracle=oracle, good=successes)

    async def put() -> None:
        async with lasting(file, new=True) as memory:
            await memory.remember(*map(named, found))

    asyncio.run(put())
    print(f"{len(found)} lessons in {file}")


@app.command()
def forget(
    file: Annotated[str, typer.Argument(help="A memory in SQLite, or FILE.py:NAME of a store.")],
    id: Annotated[str | None, typer.Option(help="Only this lesson: its id, or the beginning that is listed.")] = None,
    arm: ArmName = None,
    task: TaskName = None,
    name: Annotated[str | None, typer.Option(help="Only what is kept under this name.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Take lessons out of a lasting memory.

    Examples: `banchu memory forget lessons.sqlite --id 1f3a9c02` · `banchu memory forget lessons.sqlite --all`
    """
    import asyncio

    from banchu.cli.memories import chosen, lasting
    from banchu.core.errors import ConfigError
    from banchu.memory import Selection

    if everything == any(each is not None for each in (id, arm, task, name)):
        raise ConfigError("memory forget: say which with --id, --arm, --task or --name, or --all, and not both")

    async def take_out() -> int:
        async with lasting(file, new=False) as memory:
            entries = await memory.entries(Selection(key=name))
            gone = [
                e for e in chosen(entries, arm=arm, task=task, oracle=True, good=False) if e.id.startswith(id or "")
            ]
            if id is not None and len(gone) > 1:
                raise ConfigError(f"memory forget: --id {id} is the beginning of {len(gone)} ids; give more of it")
            tasks = {entry.task for entry in gone} if id or task else {None}
            only = gone[0].id if id and gone else None
            return sum([await memory.forget(Selection(key=name, arm=arm, task=each, id=only)) for each in tasks])

    gone = asyncio.run(take_out())
    if not gone:
        raise ConfigError(f"memory forget: {file!r} holds no such lesson; see `banchu memory list {file}`")
    print(f"{gone} lessons are gone")
