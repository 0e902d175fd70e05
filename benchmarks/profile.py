"""``python -m benchmarks.profile``: sample an exchange under load, down to lines of its sources."""

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

#: Bytes of the stack kept with each sample; stacks of the hot path are much smaller.
STACK_BYTES = 4096

#: Functions listed on the terminal.
SHOWN = 40


def check_machine(modules: Path = Path(pricetime.__file__).parent) -> None:
    """Raise ClickException if perf is missing, lacks permission, or cannot read the path of the modules."""
    if not str(modules).isascii():  # perf ignores mappings with such paths of a running process
        raise click.ClickException(
            f"perf cannot name modules in {modules}: move the repository to a path of ASCII letters"
        )
    for program, package in (("perf", "linux-perf"), ("addr2line", "binutils")):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is missing: install it (Debian: apt install {package})")
    with tempfile.TemporaryDirectory() as folder:
        tried = ["perf", "record", "-q", "-e", "cpu-clock", "-o", f"{folder}/perf.data", "true"]
        ran = subprocess.run(tried, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = next((line.strip() for line in ran.stderr.splitlines() if line.strip()), "no reason given")
        raise click.ClickException(
            f"perf may not sample processes here ({said}): as root run sysctl kernel.perf_event_paranoid=1"
        )


@contextmanager
def sampled(pid: int, frequency: int, data: Path) -> Iterator[None]:
    """Sample the stacks of all threads of a process this often a second of processor time."""
    (told, tell), (heard, answer) = os.pipe(), os.pipe()
    command = ["perf", "record", "-q", "-F", str(frequency), "-e", "cpu-clock", "--call-graph", f"dwarf,{STACK_BYTES}"]
    command += ["-D", "-1", "--control", f"fd:{told},{answer}", "-o", str(data), "-p", str(pid)]
    perf = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, pass_fds=(told, answer))
    os.close(answer)
    try:
        os.write(tell, b"enable\n")
        os.read(heard, 64)  # it is sampling, or has ended
        yield
    finally:
        perf.send_signal(signal.SIGINT)
        _, said = perf.communicate(timeout=60)
        for end in (told, tell, heard):
            os.close(end)
    if not data.exists():
        raise click.ClickException(f"perf failed: {said.strip()}")


def stacks_in(data: Path) -> dict[tuple[str, ...], int]:
    """Return what perf recorded, in the form of ``stacks_of``."""
    fields = "comm,pid,tid,ip,sym,symoff,dso"
    ran = subprocess.run(
        ["perf", "script", "--no-inline", "-i", str(data), "-F", fields], capture_output=True, text=True, check=True
    )
    return stacks_of(samples_of(ran.stdout))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=1e6, show_default=True, help="Orders a second; 0 for an unlimited rate.")
@click.option(
    "--seconds", default=10.0, show_default=True, help="Duration; at rate 0 a million orders for each second."
)
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, a preset of pricetime.tape.flow.")
@click.option("--server-cpu", type=int, help="Processor of the event loop.")
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
    help="Folder for the journal, which is removed afterwards.",
)
@click.option(
    "--out",
    default=Path("docs/pictures/pipeline-flamegraph.svg"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The picture.",
)
def main(frequency: int, journal: str, directory: Path, out: Path, **given: Any) -> None:
    """Send orders to an exchange, sample its server, and draw a flame graph of lines of its .py files.

    A rectangle is a function in one call path, as wide as its share of the time. Above it are its callees, and on top
    the line that ran. The tooltip has the figures. Green is the kernel.
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
            raise click.ClickException("perf took no samples: raise --seconds")
        picture = drawn(stacks)
    except ImportError as missing:
        raise click.ClickException(f"{missing.name} draws the picture: run make build") from missing
    except (PricetimeError, OSError, subprocess.CalledProcessError) as failed:
        raise click.ClickException(str(failed)) from failed
    finally:
        shutil.rmtree(folder)
    busiest = threads(stacks)
    for name, count in busiest.items():
        print(f"{count / sum(busiest.values()):7.1%}          {name}")
    thread = next(iter(busiest))
    print(f"\nof {thread}: including callees, and in itself")
    for name, (own, whole) in list(shares(stacks, thread).items())[:SHOWN]:
        print(f"{whole:7.1%} {own:7.1%}  {name}")
    print(f"{sum(busiest.values()):,} samples, {outcome.result.answered_per_s / 1e6:.2f} M orders/s")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(picture, encoding="utf-8")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
