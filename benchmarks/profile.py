"""``python -m benchmarks.profile``: where does the time of the whole exchange go, down to lines of its sources?"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

import pricetime
from pricetime.errors import PricetimeError

from .exchange import Day
from .flame import drawn, shares, threads
from .stacks import samples_of, stacks_of

#: Bytes of the stack that are kept of each sample: those of the hot path are much shorter.
STACK_BYTES = 4096

#: Functions named on the terminal.
SHOWN = 40


def check_machine(modules: Path = Path(pricetime.__file__).parent) -> None:
    """Raises ClickException where perf is missing, may not look, or cannot read the path of the modules."""
    if not str(modules).isascii():  # of a process that runs already, perf takes no such mapping
        raise click.ClickException(
            f"perf cannot name modules in {modules}: move the repository to a path of ASCII letters"
        )
    for program, package in (("perf", "linux-perf"), ("addr2line", "binutils")):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is not here: install it (Debian: apt install {package})")
    with tempfile.TemporaryDirectory() as folder:
        tried = ["perf", "record", "-q", "-e", "cpu-clock", "-o", f"{folder}/perf.data", "true"]
        ran = subprocess.run(tried, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = next((line.strip() for line in ran.stderr.splitlines() if line.strip()), "it does not say why")
        raise click.ClickException(
            f"perf may not look at processes here ({said}): as root run sysctl kernel.perf_event_paranoid=1"
        )


@contextmanager
def sampled(pid: int, frequency: int, data: Path) -> Iterator[None]:
    """Every thread of a process, with its stack, so often a second of its processor's time."""
    (told, tell), (heard, answer) = os.pipe(), os.pipe()
    command = ["perf", "record", "-q", "-F", str(frequency), "-e", "cpu-clock", "--call-graph", f"dwarf,{STACK_BYTES}"]
    command += ["-D", "-1", "--control", f"fd:{told},{answer}", "-o", str(data), "-p", str(pid)]
    perf = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, pass_fds=(told, answer))
    os.close(answer)
    try:
        os.write(tell, b"enable\n")
        os.read(heard, 64)  # it samples now, or has ended
        yield
    finally:
        perf.send_signal(signal.SIGINT)
        _, said = perf.communicate(timeout=60)
        for end in (told, tell, heard):
            os.close(end)
    if not data.exists():
        raise click.ClickException(f"perf failed: {said.strip()}")


def stacks_in(data: Path) -> dict[tuple[str, ...], int]:
    """What perf has recorded, as ``stacks_of`` gives it."""
    fields = "comm,pid,tid,ip,sym,symoff,dso"
    ran = subprocess.run(
        ["perf", "script", "--no-inline", "-i", str(data), "-F", fields], capture_output=True, text=True, check=True
    )
    return stacks_of(samples_of(ran.stdout))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=1e6, show_default=True, help="Orders a second; 0 for as fast as it goes.")
@click.option("--seconds", default=10.0, show_default=True, help="How long; at rate 0 a million orders each.")
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, of pricetime.tape.flow.")
@click.option("--server-cpu", type=int, help="Processor of the gateway's thread.")
@click.option("--load-cpu", type=int, help="Processor of load generator and subscriber.")
@click.option("--frequency", default=1999, show_default=True, type=click.IntRange(1, 20_000), help="Samples a second.")
@click.option(
    "--journal",
    type=click.Choice(["none", "memory", "durable"]),
    default="memory",
    show_default=True,
    help="Its level.",
)
@click.option(
    "--directory",
    default=Path("build"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the journal is made, and removed.",
)
@click.option(
    "--out",
    default=Path("docs/pictures/pipeline-flamegraph.svg"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The picture.",
)
def main(frequency: int, journal: str, directory: Path, out: Path, **given: Any) -> None:
    """Drive an exchange, sample its server, and draw a flame graph of lines of its .py files.

    A rectangle is a function where it was called from, as wide as the time that it took; on top of it is what it
    called, in the end the line that ran. Its title, under the pointer, has the figures. Green is the kernel.
    """
    check_machine()
    directory.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="profile-", dir=directory))
    options = () if journal == "none" else ("--journal", str(folder / "journal"), "--acknowledge", journal)
    data = folder / "perf.data"
    try:
        day = Day(options=options, beside=lambda pid: sampled(pid, frequency, data), **given)
        outcome = day.measure()
        stacks = stacks_in(data)
        if not stacks:
            raise click.ClickException("perf saw nothing: give more --seconds")
        picture = drawn(stacks)
    except ImportError as missing:
        raise click.ClickException(f"{missing.name} draws the picture: pip install 'pricetime[dev]'") from missing
    except (PricetimeError, OSError, subprocess.CalledProcessError) as failed:
        raise click.ClickException(str(failed)) from failed
    finally:
        shutil.rmtree(folder)
    busiest = threads(stacks)
    for name, count in busiest.items():
        print(f"{count / sum(busiest.values()):7.1%}          {name}")
    thread = next(iter(busiest))
    print(f"\nof {thread}: with what it calls, and in itself")
    for name, (own, whole) in list(shares(stacks, thread).items())[:SHOWN]:
        print(f"{whole:7.1%} {own:7.1%}  {name}")
    print(f"{sum(busiest.values()):,} samples, {outcome.result.answered_per_s / 1e6:.2f} M orders/s")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(picture, encoding="utf-8")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
