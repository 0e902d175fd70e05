"""``python -m benchmarks.instructions``: count the instructions of an order from recv to datagram, by function.

Valgrind counts, so the result does not depend on other work of the machine. Kernel instructions are not counted.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pricetime.errors import PricetimeError
from pricetime.load.server import ServerProcess

from .exchange import Day
from .stacks import readable

#: The function that contains all work of the event loop's thread, matching included.
TURN = "__pyx_f_9pricetime_8exchange_2io_4loop_9EventLoop_step"

#: Smaller shares are not shown.
LEAST = 0.2


class Counted(ServerProcess):
    """A server under valgrind, which counts when requested."""

    folder = Path()
    start_s = stop_s = 300.0  # valgrind runs it 50 times slower

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        counting = ["--tool=callgrind", "--instr-atstart=no", f"--toggle-collect={TURN}", "--dump-line=no"]
        files = [f"--callgrind-out-file={self.folder}/counts", f"--log-file={self.folder}/log"]
        command = ["valgrind", *counting, *files, sys.executable, "-m", "pricetime", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@contextmanager
def counting(pid: int) -> Iterator[None]:
    """Count the instructions of a process under valgrind during the block."""
    subprocess.run(["callgrind_control", "-i", "on", str(pid)], check=True, capture_output=True)
    yield
    subprocess.run(["callgrind_control", "-i", "off", str(pid)], check=True, capture_output=True)


def instructions_in(counts: Path) -> dict[str, int]:
    """Return the instructions by function, excluding callees."""
    names: dict[str, str] = {}
    found: dict[str, int] = defaultdict(int)
    function, called = "", False
    for line in counts.read_text(encoding="utf-8").splitlines():
        if line.startswith(("fn=", "cfn=")):
            number, _, name = line.partition("=")[2].partition(" ")
            names.setdefault(number, name)
            if line.startswith("fn="):
                function = names[number]
        elif line.startswith("calls="):
            called = True  # the next line has the cost of the callee, which is counted under the callee
        elif line[:1] in "+-*0123456789" and line:
            if not called:
                found[function] += int(line.split()[1])
            called = False
    return dict(found)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--orders", default=200_000, show_default=True, type=click.IntRange(1), help="Orders to send, at an unlimited rate."
)
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, a preset of pricetime.tape.flow.")
@click.option(
    "--journal", type=click.Choice(["none", "memory"]), default="memory", show_default=True, help="Its level."
)
@click.option(
    "--directory",
    default=Path("build"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the journal, which is removed afterwards.",
)
def main(orders: int, journal: str, directory: Path, **given: Any) -> None:
    """Count the instructions of the event loop for each order, by function: decoding, journal, books, routing.

    It takes a minute. Kernel work in recv, send and epoll_wait is not counted; make profile samples it.
    """
    for program in ("valgrind", "callgrind_control"):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is missing: install it (Debian: apt install valgrind)")
    directory.mkdir(parents=True, exist_ok=True)
    Counted.folder = folder = Path(tempfile.mkdtemp(prefix="instructions-", dir=directory))
    options: tuple[str, ...] = ()
    if journal != "none":
        options += ("--journal", str(folder / "journal"))
    try:
        day = Day(
            rate=0, seconds=orders / 1e6, server_cpu=None, load_cpu=None, options=options, beside=counting,
            server=Counted, **given,
        )  # fmt: skip
        day.measure()
        found = instructions_in(folder / "counts")
    except (PricetimeError, OSError, subprocess.CalledProcessError) as failed:
        raise click.ClickException(str(failed)) from failed
    finally:
        shutil.rmtree(folder)
    total = sum(found.values())
    for name, count in sorted(found.items(), key=lambda item: -item[1]):
        if count >= LEAST * orders:
            print(f"{count / orders:8.1f}  {count / total:6.1%}  {readable(name)}")
    print(f"{total / orders:8.1f}  instructions for each of {orders:,} orders")


if __name__ == "__main__":
    main()
