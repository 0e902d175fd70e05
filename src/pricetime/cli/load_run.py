"""The run of ``pricetime load``: log in, fill the book, send, print and write the result."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import PricetimeError

if TYPE_CHECKING:
    from ..load.load import Load, Pace
    from ..load.plan import Plan
    from ..load.run import Latencies, Result
    from ..load.run_file import Setting
    from ..load.saturation import Search

#: Without a rate: how many orders count as one second.
ORDERS_OF_A_SECOND = 1e6

#: A search takes its orders from an endless flow.
ENDLESS = 2**62


class NotMeasured(click.ClickException):
    """The run could not start or could not finish."""

    exit_code = 2


@dataclass(frozen=True)
class Options:
    """The options of a run."""

    host: str
    port: int
    rate: float
    ramp: tuple[float, float] | None
    saturate: bool
    limit_p99_us: float
    seconds: float
    sessions: int
    preset: str
    tape: Path | None
    tape_instrument: int | None
    instrument: int
    seed: int
    owner: int
    secrets_file: Path | None
    spin: bool
    cpu: int | None
    out: Path | None
    server_latency: Path | None

    @property
    def pace(self) -> Pace:
        """How fast orders come due."""
        from ..load.load import Pace

        return Pace.ramp(*self.ramp, self.seconds) if self.ramp else Pace(self.rate)

    @property
    def orders(self) -> int:
        """How many orders the run has."""
        if self.saturate:
            return ENDLESS
        return max(1, self.pace.orders(self.seconds) if self.pace.rate else round(ORDERS_OF_A_SECOND * self.seconds))

    def settings(self, level: int) -> dict[str, Setting]:
        """The conditions of the run, for RUN.json. ``level``: what an answer promises."""
        from ..wire.types import AcknowledgementLevel

        return {
            "host": self.host,
            "port": self.port,
            **({"tape": self.tape.name} if self.tape else {"preset": self.preset}),
            "rate": None if self.ramp or not self.rate else self.rate,
            "seconds": self.seconds,
            "sessions": self.sessions,
            "seed": self.seed,
            "ramp": list(self.ramp) if self.ramp else None,
            "acknowledge": AcknowledgementLevel(level).name.lower(),
        }


def run(options: Options, command: str) -> int:
    """Measure, print the table, write the files: the exit code. Raises PricetimeError and NotMeasured."""
    from ..extras import require
    from ..load.load import Load

    if options.out is not None:
        require("hdrh.histogram", "measure", "writing RUN.hlog")  # before the work, not after it
        check_writable(options.out)
    owners = range(options.owner, options.owner + options.sessions)
    secrets = secrets_of(options, owners)
    if options.cpu is not None:
        pin(options.cpu)
    with Load(options.host, options.port, owners, secrets=secrets, spins=options.spin) as load:
        result, search = measure(load, options)
        level = load.level
    return finish(options, command, result, search, level)


def check_writable(out: Path) -> None:
    """Raise NotMeasured if the files of the run cannot be written."""
    from ..load.record import files_of

    for path in files_of(out):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            existed = path.exists()
            path.open("ab").close()
            if not existed:
                path.unlink()
        except OSError as error:
            raise NotMeasured(f"{path} cannot be written: {error.strerror}. Give a different --out") from error


def secrets_of(options: Options, owners: range) -> dict[int, bytes]:
    """The secrets by owner; empty without a file, for a server with --open. Raises NotMeasured."""
    if options.secrets_file is None:
        return {}
    from ..exchange.control.secrets import read

    known = read(options.secrets_file)
    found = {owner: secret for owner in owners if (secret := known.trader(owner)) is not None}
    if missing := [owner for owner in owners if owner not in found]:
        raise NotMeasured(
            f"{len(missing)} of {len(owners)} owners have no secret in {options.secrets_file}, first {missing[0]}: "
            f"add them with pricetime secret, or change --sessions or --owner"
        )
    return found


def pin(cpu: int) -> None:
    """Run on this processor only. Raises NotMeasured."""
    import os

    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        allowed = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        raise NotMeasured(f"this process may not use processor {cpu}: give --cpu one of {allowed}") from error


def measure(load: Load, options: Options) -> tuple[Result, Search | None]:
    """Fill the book, send the orders, log out. The result has the failure if there is one."""
    from ..load.load import LoadFailed
    from ..load.plan import made_ahead, most_made
    from ..load.run import Run, fill
    from ..load.saturation import saturate
    from . import load_show
    from .progress import track

    first, plans = plans_of(options)
    fill(load, first)
    if options.saturate:
        load_show.step_header()
        found = saturate(
            load, plans, begin=options.rate, seconds=options.seconds, limit_p99_ns=round(options.limit_p99_us * 1000),
            on_step=load_show.step,
        )  # fmt: skip
        result = found.last if found.last is None or found.last.failure else found.best or found.last
        if result is None:
            raise NotMeasured("the flow ended before the search began: give a different --preset")
    else:
        found = None
        with track("making orders", min(options.orders, most_made())) as made:
            ready = made_ahead(plans, made)
        runs = Run(load, options.pace, on_sample=load_show.progress(options.seconds))
        runs.go(ready)
        result = runs.result
    if result.failure is None:
        try:
            load.leave()
        except LoadFailed as error:
            result.failure, result.complete = str(error), False
    return result, found


def plans_of(options: Options) -> tuple[Plan, Iterator[Plan]]:
    """The plan that fills the book, and the plans to measure. Raises PricetimeError."""
    from ..load.plan import make_plans
    from ..load.tape_flow import plans_of_tape, read_tape
    from ..tape.databento import NoSuchInstrument
    from ..tape.flow.stream import find
    from .progress import track

    if options.tape is None:
        flow = find(options.preset)
        count = options.orders if flow.longest is None else min(options.orders, flow.longest)
        more = {"instrument": options.instrument, "seed": options.seed, "start_ns": time.time_ns()}
        return make_plans(flow, count, options.sessions, **more)
    try:
        with track(f"reading {options.tape.name}", options.tape.stat().st_size, of_bytes=True) as advance:
            tape = read_tape(options.tape, options.sessions, instrument=options.tape_instrument, progress=advance)
    except NoSuchInstrument as error:
        raise click.BadParameter(str(error), param_hint="--tape-instrument") from error
    return plans_of_tape(tape, options.orders, instrument=options.instrument)


def finish(options: Options, command: str, result: Result, search: Search | None, level: int) -> int:
    """Print the table and write the files: the exit code. Raises NotMeasured."""
    from ..load.record import write
    from . import load_show

    settings = options.settings(level)
    server, missing = server_latencies(options.server_latency)
    if result.sent:
        load_show.outcome(result, settings, search, server)
    if options.out is not None:
        files = write(options.out, result, settings, command, search=search, server=server)
        click.echo(f"wrote {files[0]} and {files[1]}")
    if result.failure is not None:
        raise NotMeasured(result.failure)
    if missing is not None:
        raise NotMeasured(missing)
    if search is not None:
        return 0 if search.highest_rate else 1
    return 0 if result.reached else 1


def server_latencies(path: Path | None) -> tuple[Mapping[str, Latencies], str | None]:
    """What the server measured, by interval; if there is nothing, also why."""
    from ..load.record import intervals_of
    from ..native import hlog

    if path is None:
        return {}, None
    try:
        return intervals_of(hlog.read(path)), None
    except OSError as error:
        return {}, f"{path}: {error.strerror}. The server writes this file when it stops. The run itself is saved"
    except PricetimeError as error:
        return {}, f"{error}. The run itself is saved"
