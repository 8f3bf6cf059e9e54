"""``breadth``: the verbs, and how every error becomes one line and an exit code.

Exit codes: 0 done; 1 an audit found a violation, or nobody reads the output; 2 the input cannot be used (one line says why); 3 a
poster ad has something to fill in; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys

import typer

from breadth.cli import audit, checkpoint, compare, fetch, measure, poster, report, run, status, thread
from breadth.errors import BreadthError, printable
from breadth.version import __version__

__all__ = ["app", "main"]

app = typer.Typer(
    name="breadth",
    help="Measure how diverse a data set is, test under control what that diversity buys, and tell people truthfully.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and stop."),
) -> None:
    """Measure how diverse a data set is, test under control what that diversity buys, and tell people truthfully."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("fetch")(fetch.fetch)
app.command("measure")(measure.measure)
app.command("compare")(compare.compare)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("audit")(audit.audit)
app.command("report")(report.report)
app.add_typer(checkpoint.app, name="checkpoint")
app.add_typer(thread.app, name="thread")
app.command("poster")(poster.poster)


def main() -> None:
    """Run the command line and exit with its code; whatever a person can put right is one line on standard error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that the terminal cannot show are spelled out
    try:
        code = app(standalone_mode=False)
        if code == 130:  # the command-line library has caught the interruption
            raise KeyboardInterrupt
        sys.stdout.flush()
    except BreadthError as error:
        sys.exit(_refused(str(error)))
    except typer.TyperException as error:  # an unknown option or value, a missing argument
        message = " ".join(error.format_message().split()).rstrip(".")
        sys.exit(_refused(f"{message}; breadth {_verb()}--help shows what is allowed"))
    except (KeyboardInterrupt, typer.Abort):
        print("breadth: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # whoever read the output has gone, as in "breadth ... | head"
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)  # as the command-line library does where it is the one to notice
    except OSError as error:
        sys.exit(_refused(_told(error)))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(w in str(error) for w in ("allocate memory", "out of memory")):
            raise  # a fault of this package, which its traceback helps to find
        said = " ".join(str(error).split())[:120]
        sys.exit(_refused(f"not enough memory{f' ({said})' if said else ''}; give less data, or a machine with more memory"))
    sys.exit(code if isinstance(code, int) else 0)


def _told(error: OSError) -> str:
    """One line on what the system refused: where, why, what to look at."""
    place = os.fspath(error.filename) if isinstance(error.filename, str | os.PathLike) else "a file"
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{place}: a file stands where a folder is needed; give another folder, or move the file away"
    reason = error.strerror or str(error) or type(error).__name__
    return f"{place}: {reason[:1].lower()}{reason[1:]}; check the path, its permissions and the free space"


def _verb() -> str:
    first, second = (*sys.argv[1:3], "", "")[:2]
    groups = {g.name: {c.name for c in g.typer_instance.registered_commands} for g in app.registered_groups if g.typer_instance}
    if first in groups:
        return f"{first} {second} " if second in groups[first] else f"{first} "
    return f"{first} " if first in {c.name for c in app.registered_commands} else ""


def _refused(message: str) -> int:
    # What a file name or a study puts into a message must not steer the terminal.
    print("breadth: " + "\n".join(map(printable, message.split("\n"))), file=sys.stderr)
    return 2
