"""``python -m benchmarks.public CHECKOUT``: run our engine, and others, in the public benchmark."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from pricetime.load.machine import describe

from ..build import NotCompiled
from ..report import output_option, rounds_option
from .build import library
from .figures import OURS, Figures
from .harness import SCENARIOS, BenchmarkFailed, Checkout, Run


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("checkout", type=click.Path(path_type=Path))
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=click.Choice(SCENARIOS),
    help="One of the five; repeatable [default: all].",
)
@rounds_option(5)
@click.option(
    "--against", multiple=True, type=click.Path(path_type=Path), help="The library of a second engine; repeatable."
)
@click.option("--matcher-core", default=0, show_default=True, help="Processor of the thread that matches.")
@click.option("--drainer-core", default=1, show_default=True, help="Processor of the thread that reads the answers.")
@click.option(
    "--audit/--no-audit",
    default=True,
    show_default=True,
    help="Compare our book with a baseline's at 64 random points of each scenario.",
)
@click.option("--gate/--no-gate", default=True, show_default=True, help="Run the 34 cases of the conformance gate.")
@output_option
def main(
    checkout: Path, scenarios: Sequence[str], rounds: int, against: Sequence[Path], matcher_core: int,
    drainer_core: int, audit: bool, gate: bool, output: Path,
) -> None:  # fmt: skip
    """Run harness, audit and conformance gate of CHECKOUT with our engine, and print the table.

    CHECKOUT is a checkout of flash1-dev/matching-engine-benchmark in which "make" has built the harness. Its audit
    needs the baselines of its scripts/build_baselines.sh, its gate three more engines. The command names what is
    missing; --no-audit and --no-gate skip them. Engines alternate, and each run is a separate process. Needs two
    idle processors. Exits 1 if a hash differs or an audit or the gate fails, and 2 if something could not run.

    \b
    make bench-public CHECKOUT=../matching-engine-benchmark
    python -m benchmarks.public CHECKOUT --against CHECKOUT/cpptrader_adapter.so --rounds 10
    """
    console = Console(stderr=True)
    try:
        there = Checkout(checkout.resolve(), matcher_core, drainer_core)
        check_cores(matcher_core, drainer_core)
        others = [existing(path) for path in against]
        engines = {OURS: library(), **{name_of(path): path for path in others}}
        figures = Figures(list(engines), list(scenarios) or SCENARIOS)
        with Progress(console=console, transient=True) as progress:
            measure(there, figures, engines, rounds, audit, gate, progress)
    except (BenchmarkFailed, NotCompiled) as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False)
        sys.exit(2)
    text = report(figures, rounds)
    print(text)
    output.mkdir(parents=True, exist_ok=True)
    (output / "public.md").write_text(text + "\n", encoding="utf-8")
    (output / "public.json").write_text(json.dumps(figures.as_json(), indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if figures.ok else 1)


def check_cores(*cores: int) -> None:
    """Raise BenchmarkFailed if the harness cannot use these processors; it would call the run invalid afterwards."""
    allowed = os.sched_getaffinity(0)
    if missing := sorted(set(cores) - allowed):
        raise BenchmarkFailed(
            f"processor {missing[0]} is not available: --matcher-core and --drainer-core take two of {sorted(allowed)}"
        )


def existing(path: Path) -> Path:
    """Return the library of a second engine. Raises BenchmarkFailed."""
    if not path.is_file():
        raise BenchmarkFailed(
            f"no {path}: scripts of the checkout build the libraries of other engines, see its additional_references"
        )
    return path.resolve()


def name_of(path: Path) -> str:
    """Return the name of a library's engine in the harness."""
    return path.name.removesuffix(".so").removesuffix("_adapter")


def measure(
    checkout: Checkout, figures: Figures, engines: dict[str, Path], rounds: int, audit: bool, gate: bool,
    progress: Progress,
) -> None:  # fmt: skip
    """Run everything, with the timed runs alternating. Raises BenchmarkFailed."""
    names = list(engines)
    steps = len(figures.scenarios) * (rounds * len(names) + audit) + gate
    task = progress.add_task("", total=steps)
    for scenario in figures.scenarios if audit else ():
        progress.update(task, description=f"audit of {scenario}")
        figures.audits[scenario] = audited(checkout, engines[OURS], scenario)
        progress.advance(task)
    if gate:
        progress.update(task, description="conformance gate")
        figures.gate = checkout.gate(engines[OURS])
        progress.advance(task)
    for turn in range(rounds):
        for scenario in figures.scenarios:
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                progress.update(task, description=f"round {turn + 1}, {scenario}, {name}")
                figures.runs.append(checkout.run(engines[name], scenario, "perf"))
                progress.advance(task)


def audited(checkout: Checkout, engine: Path, scenario: str) -> Run:
    """Run the audit, or say why it did not finish: the baseline may be too slow for the harness."""
    try:
        return checkout.run(engine, scenario, "audit")
    except BenchmarkFailed as error:
        return Run(OURS, scenario, rate=0, hash_ok=False, valid=False, audit=f"not finished: {error}")


def report(figures: Figures, rounds: int) -> str:
    """Return machine, command, table and gate as text."""
    described = "\n".join(f"- {name}: {value}" for name, value in describe().items())
    command = shlex.join(["python", "-m", "benchmarks.public", *sys.argv[1:]])
    gate = figures.gate
    lines = [f"M messages/s, medians of {rounds}; `{command}`", "", described, "", figures.table(), ""]
    if gate:
        lines.append(
            f"conformance gate: {gate.passed} of {gate.cases} cases, {gate.states} of them with the book's state"
        )
        lines += [f"- {failure}" for failure in gate.failures]
    else:
        lines.append("conformance gate: not run")
    return "\n".join(lines)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.public")
