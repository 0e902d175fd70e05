"""Random flows through the core and the reference, for as long as you like; see ``--help``."""

import random
import sys
import time
from pathlib import Path

import click
from rich.progress import Progress, SpinnerColumn, TextColumn

from pricetime import COMPILED
from tests.fuzz.case import Case
from tests.fuzz.venue import VenueCase, load

#: Flows of each kind that a seed draws.
KINDS: dict[str, type[Case]] = {"plain": Case, "venues": VenueCase}


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long to look.")
@click.option("--seed", type=int, help="Of the first flow; the next ones count up. Drawn when not given.")
@click.option("--steps", default=1000, show_default=True, help="Commands of one flow.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Of the flows; each seed draws one of each by default.")
@click.option("--replay", type=click.Path(exists=True, path_type=Path), help="Play this case only.")
@click.option("--out", default=".", type=click.Path(file_okay=False, path_type=Path), help="Where a case is written.")
def main(seconds: float, seed: int | None, steps: int, kind: str | None, replay: Path | None, out: Path) -> None:
    """Hold the core against the reference on random flows: trades, reports, errors, state, invariants.

    A flow that shows a difference is made as small as can be and written as a case. Put it into tests/fuzz/cases,
    where it is played with every test run from then on.

    \b
    python -m tests.fuzz --seconds 600
    python -m tests.fuzz --seed 12345 --seconds 0         one flow, the same as ever
    python -m tests.fuzz --replay fuzz-12345.json
    """
    if replay is not None:
        load(replay).play()
        click.echo(f"{replay}: the core and the reference agree")
        return
    first = random.SystemRandom().randrange(2**32) if seed is None else seed
    click.echo(f"the {'compiled' if COMPILED else 'pure'} form, flows of {steps} commands, from seed {first}")
    kinds = [KINDS[kind]] if kind else list(KINDS.values())
    seed, played, end = first, 0, time.monotonic() + seconds
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as progress:
        task = progress.add_task("")
        while True:
            progress.update(task, description=f"seed {seed}: {played} flows agree, {end - time.monotonic():.0f} s left")
            for chosen in kinds:
                case = chosen.draw(seed, steps)
                try:
                    case.play(compare_every=10)
                except AssertionError as difference:
                    progress.update(task, description=f"seed {seed} differs; making it smaller")
                    path = out / f"fuzz-{seed}.json"
                    write(case.shrink(), path)
                    progress.stop()
                    sys.exit(
                        f"seed {seed}: {difference}\nwritten to {path}; "
                        f"play it with: python -m tests.fuzz --replay {path}"
                    )
                played += 1
            seed += 1
            if time.monotonic() >= end:
                break
    click.echo(f"{played} flows agree, {played * steps:,} commands")


def write(case: Case, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    case.save(path)


if __name__ == "__main__":
    main()
