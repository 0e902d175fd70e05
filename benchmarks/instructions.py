"""``python -m benchmarks.instructions``: count the instructions of an order from recv to datagram, by function.

Valgrind counts, so the result does not depend on other work of the machine. Kernel instructions are not counted.
"""

from __future__ import annotations

import re
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

from .exchange import Day, Serving
from .report import directory_option

MANGLED = re.compile(r"^__pyx_(?:f|p[wf]|tp_\w+?|gb|fuse_\d+)_(?=\d)")

#: Smaller shares are not shown.
LEAST = 0.2


def iteration() -> str:
    """Return the function that contains all work of the event loop's thread, matching included."""
    from pricetime.exchange.io.loop import EventLoop

    return "".join(
        ["__pyx_f", *(f"_{len(part)}{part}" for part in (*EventLoop.__module__.split("."), "EventLoop")), "_step"]
    )


class Counted(ServerProcess):
    """A server under valgrind, which counts when requested."""

    folder = Path()
    start_s = stop_s = 300.0  # valgrind runs it 50 times slower

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        counting = ["--tool=callgrind", "--instr-atstart=no", f"--toggle-collect={iteration()}", "--dump-line=no"]
        files = [f"--callgrind-out-file={self.folder}/counts", f"--log-file={self.folder}/log"]
        command = ["valgrind", *counting, *files, sys.executable, "-m", "pricetime", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@contextmanager
def counting(server: Serving) -> Iterator[None]:
    """Count the instructions of a server under valgrind during the block."""
    pid = server.process.pid
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


def readable(symbol: str) -> str:
    """Return ``core/book.py Books._match`` for ``__pyx_f_9pricetime_4core_4book_5Books__match``."""
    head = MANGLED.match(symbol)
    if head is None:
        return symbol.partition(".")[0]
    parts, rest = [], symbol[head.end() :]
    while numbered := re.match(r"(\d+)", rest):
        name = rest[numbered.end() :]
        length = int(numbered[1])
        if len(name) <= length or name[length] != "_":
            rest = name  # the index of a method in its class, not a length
            break
        parts.append(name[:length])
        rest = name[length + 1 :]
    function = rest.partition(".")[0]
    modules = [part for part in parts if part[0].islower()]
    classes = [part for part in parts if not part[0].islower()]
    path = "/".join(modules[1:] if modules[:1] == ["pricetime"] else modules)
    return f"{path}.py {'.'.join([*classes, function])}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--orders", default=200_000, show_default=True, type=click.IntRange(1), help="Orders to send, at an unlimited rate."
)
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, a preset of pricetime.tape.flow.")
@click.option(
    "--journal", type=click.Choice(["none", "memory"]), default="memory", show_default=True, help="Its level."
)
@directory_option
def main(orders: int, journal: str, directory: Path, **given: Any) -> None:
    """Count the instructions of the event loop for each order, by function: decoding, journal, books, routing.

    It takes a minute. Kernel work in recv, send and epoll_wait is not counted.
    """
    for program in ("valgrind", "callgrind_control"):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is missing: install it (Debian: apt install valgrind)")
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="instructions-", dir=directory) as folder:
            Counted.folder = Path(folder)
            options: tuple[str, ...] = ()
            if journal != "none":
                options += ("--journal", f"{folder}/journal")
            Day(
                rate=0, seconds=orders / 1e6, server_cpu=None, load_cpu=None, options=options, beside=counting,
                server=Counted, **given,
            ).measure()  # fmt: skip
            found = instructions_in(Counted.folder / "counts")
    except (PricetimeError, OSError, subprocess.CalledProcessError) as failed:
        raise click.ClickException(str(failed)) from failed
    total = sum(found.values())
    for name, count in sorted(found.items(), key=lambda item: -item[1]):
        if count >= LEAST * orders:
            print(f"{count / orders:8.1f}  {count / total:6.1%}  {readable(name)}")
    print(f"{total / orders:8.1f}  instructions for each of {orders:,} orders")


if __name__ == "__main__":
    main()
