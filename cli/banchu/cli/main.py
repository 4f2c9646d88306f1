"""The entry point: commands, and errors to exit codes."""

from __future__ import annotations

import sys
from importlib.metadata import version

import typer

from banchu.cli.commands import (
    audit,
    compare,
    demo,
    digest,
    doctor,
    export,
    judge,
    memory,
    models,
    recipes,
    report,
    run,
    sandbox,
    show,
    tasks,
    tools,
)
from banchu.core.errors import BanchuError

EXIT_CODES = (
    "0 done, 1 ended but not complete, 2 a value you wrote, 3 a file, 4 the model, 5 the sandbox, 6 the ledger, "
    "7 an audited log does not fit, or two ledgers differ, 8 what runs a tool, 130 interrupted"
)
app = typer.Typer(
    name="banchu",
    help="Find out whether a model can improve its own answers, and with whose help.",
    epilog=f"First: banchu demo. Then: banchu run humaneval --model smollm2 --limit 12\n\nExit codes: {EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("banchu"))
        raise typer.Exit


@app.callback()
def banchu(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Find out whether a model can improve its own answers, and with whose help."""


app.command()(run.run)
app.command()(run.resume)
app.command()(show.show)
app.command()(compare.compare)
app.command()(report.report)
app.command()(export.export)
app.command()(digest.digest)
app.command()(judge.judge)
app.command()(audit.audit)
app.command()(tasks.tasks)
app.command()(models.models)
app.command()(tools.tools)
app.command()(recipes.recipes)
app.add_typer(memory.app, name="memory")
app.add_typer(sandbox.app, name="sandbox")
app.command()(doctor.doctor)
app.command()(demo.demo)

for registered in (app, memory.app, sandbox.app):
    for command in registered.registered_commands:
        # typer would keep a docstring's line breaks, which are those of the source.
        command.help = "\n\n".join(" ".join(part.split()) for part in (command.callback.__doc__ or "").split("\n\n"))


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and an exit code, never a traceback."""
    try:
        app()
    except BanchuError as error:
        print(f"banchu: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader (head, less) has gone; the rest of the output is not wanted.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
