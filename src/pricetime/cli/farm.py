"""``pricetime farm``: verifies journals, runs scripts over them, and sweeps parameters, on all processors with Ray."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from .journal import FOLDER
from .stop import CannotRun

if TYPE_CHECKING:
    from ..farm.grid import Value
    from ..farm.result import Result
    from ..farm.task import Task

SCRIPT = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

#: Prints results, and the seconds that they took.
Show: TypeAlias = "Callable[[Sequence[Result], float], None]"

#: Exit codes: a task ended with an error; two results for one input.
FAULTS, INCIDENT = 1, 4


@dataclass(frozen=True)
class Options:
    """Where the tasks run, and what happens to the results."""

    address: str | None
    workers: int | None
    results: Path | None
    again: bool
    repeat: int
    as_json: bool


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of all three commands."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each result."),
        click.option("--repeat", type=click.IntRange(1), default=1, help="Run each task N times and compare."),
        click.option("--again", is_flag=True, help="Run tasks that have a result in --results too, and compare."),
        click.option("--results", type=FILE, metavar="FILE", help="Append results to FILE; skip tasks in it."),
        click.option("--workers", type=click.IntRange(1), help="Tasks at a time.  [default: one for each processor]"),
        click.option("--address", metavar="HOST:PORT", help="Use this Ray cluster.  [default: only this machine]"),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def farm() -> None:
    """Replay many journals, or sweep parameters, on all processors.

    Tasks run in parallel with Ray: on this machine, or with --address on the machines of a Ray cluster. Each of these
    needs the same version of pricetime, and must reach the journals under the same path, as on a shared file system.

    \b
        pricetime farm verify journals
        pricetime farm run volume.py journals --json
        pricetime farm sweep quote.py --set spread=1,2,3 --set seed=1..10

    A task whose worker dies runs again. With --results FILE.jsonl, the same command continues after an interruption.

    Exit code 1: a journal has a fault, or a script raised an error. 2: the command cannot run. 4: two runs of one task
    had different results. Both are printed, because one of them is wrong.
    """


@farm.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=FOLDER)
@shared
def verify(folders: tuple[Path, ...], **given: Any) -> None:
    """Verify journals: every record, every snapshot, all results.

    Checks what `pricetime journal verify` checks. DIR is a journal, or a folder with journals in it. A long journal
    that has snapshots is verified in several parts at a time.

    \b
        pricetime farm verify /var/lib/exchange/journals
        pricetime farm verify journals --results verified.jsonl
        pricetime farm verify journals --address 10.0.0.1:6379 --json
    """
    from ..farm.journals import journals
    from ..farm.task import verify_tasks
    from . import show_farm as show

    perform("verifying", lambda: verify_tasks(journals(folders)), show.verified, Options(**given))


@farm.command()
@click.argument("script", metavar="SCRIPT", type=SCRIPT)
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=FOLDER)
@shared
def run(script: Path, folders: tuple[Path, ...], **given: Any) -> None:
    """Run a script over journals.

    SCRIPT is a Python file with a function run(replay) that returns a dict of numbers and text. It is called once for
    each journal: `for commands, reports in replay` executes the journal in steps, and `replay.engine.book(1)` is a book
    after the last step.

    \b
        pricetime farm run volume.py journals
        pricetime farm run volume.py journals --json --results volume.jsonl
    """
    from ..farm.journals import journals
    from ..farm.script import Script
    from ..farm.task import run_tasks
    from . import show_farm as show

    perform("running", lambda: run_tasks(Script.load(script), journals(folders)), show.ran, Options(**given))


@farm.command()
@click.argument("script", metavar="SCRIPT", type=SCRIPT)
@click.option("--set", "sets", metavar="NAME=VALUES", multiple=True, required=True, help="A parameter and its values.")
@shared
def sweep(script: Path, sets: tuple[str, ...], **given: Any) -> None:
    """Run a simulation for every combination of parameters.

    SCRIPT is a Python file with a function run(spread, seed) that takes each parameter by name and returns a dict of
    numbers and text. VALUES are numbers or words with commas between them; 1..10 stands for all whole numbers from 1
    to 10, and 0..100..20 for every twentieth.

    \b
        pricetime farm sweep quote.py --set spread=1,2,3 --set seed=1..10
    """
    from ..farm.grid import grid
    from ..farm.script import Script
    from ..farm.task import sweep_tasks
    from . import show_farm as show

    values = _values(sets)
    perform("simulating", lambda: sweep_tasks(Script.load(script), grid(values)), show.swept, Options(**given))


def perform(what: str, make_tasks: Callable[[], Sequence[Task]], show: Show, options: Options) -> None:
    """Perform tasks and print their results. Exits with 1 after an error of a task, with 4 after an incident."""
    from ..extras import MissingExtra
    from ..farm.errors import FarmError
    from ..farm.farm import Farm
    from ..farm.store import Store
    from ..farm.work import Work
    from .progress import track, waiting
    from .show_farm import incidents

    try:
        workers = Farm(options.address, workers=options.workers)
        tasks = make_tasks()
        store = Store(options.results) if options.results else None
        work = Work(workers.perform, store=store, again=options.again, repeat=options.repeat)
        left = work.count(tasks)
        with ExitStack() as stack:
            if left:
                with waiting("starting Ray"):
                    stack.enter_context(workers)
            began = time.perf_counter()
            with track(what, left) as advance:
                results = work.run(tasks, progress=advance)
            elapsed_s = time.perf_counter() - began
    except (FarmError, MissingExtra) as error:
        raise CannotRun(str(error)) from error
    if options.as_json:
        for result in results:
            click.echo(result.to_json())
    else:
        show(results, elapsed_s)
    incidents(work.incidents)
    if work.incidents:
        raise click.exceptions.Exit(INCIDENT)
    if any(result.errors for result in results):
        raise click.exceptions.Exit(FAULTS)


def _values(sets: Sequence[str]) -> dict[str, list[Value]]:
    """Parse --set. Raises BadParameter."""
    from ..farm.grid import parse_values

    found: dict[str, list[Value]] = {}
    for text in sets:
        try:
            name, values = parse_values(text)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--set") from error
        if name in found:
            raise click.BadParameter(f"{name} is given twice: give all its values at once", param_hint="--set")
        found[name] = values
    return found
