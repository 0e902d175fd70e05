"""Measure the load generator alone: orders a second from one processor, against a minimal exchange.

    python -m benchmarks.load --rate 5000000 --load-cpu 1 --echo-cpu 0
    python -m benchmarks.load --rate 0

The other end logs sessions in as an exchange does and answers every order with one report: this measures due times, the
copy into the outbound buffers, the system calls, reading, checking and recording. benchmarks.exchange uses a real
exchange.
"""

from __future__ import annotations

import itertools
import multiprocessing
import select
import socket
import sys
import time
from multiprocessing.connection import Connection

import click

from pricetime.load.load import Load, Pace
from pricetime.load.plan import make_plans
from pricetime.load.run import Run, total
from pricetime.load.run_file import Latency
from pricetime.wire.messages import SIZES, Challenge, Login, LoginAccepted
from pricetime.wire.types import NONCE_BYTES, WIRE_VERSION

from .build import NotCompiled, ready
from .exchange import pin
from .report import show_machine

#: Orders that are made; they are sent repeatedly, because the other end does not check them.
ORDERS = 1 << 18

LONG_MS = 600_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=5e6, show_default=True, help="Orders a second; 0 for an unlimited rate.")
@click.option(
    "--seconds", default=5.0, show_default=True, help="Duration; at rate 0 five million orders for each second."
)
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--load-cpu", type=int, help="Processor of the generator, which then never sleeps.")
@click.option("--echo-cpu", type=int, help="Processor of the other end.")
def main(rate: float, seconds: float, sessions: int, load_cpu: int | None, echo_cpu: int | None) -> None:
    """Send orders, read the answers, and print the rates."""
    try:
        ready()
    except NotCompiled as error:
        sys.exit(str(error))
    show_machine()
    _, plans = make_plans("balanced", ORDERS, sessions, chunk=ORDERS)
    (plan,) = plans
    here, there = multiprocessing.Pipe()
    other = multiprocessing.get_context("spawn").Process(target=serve, args=(sessions, echo_cpu, there), daemon=True)
    other.start()
    there.close()  # only this end stays open: if the process fails, recv reports it
    port = here.recv()
    pin(load_cpu)
    with Load("127.0.0.1", port, sessions, spins=load_cpu is not None) as load:
        run, busy = Run(load, Pace(rate)), time.process_time()
        run.go(itertools.repeat(plan, max(1, round((rate or 5e6) * seconds) // ORDERS)))
        busy = time.process_time() - busy
    received, found = here.recv(), run.result
    other.join()
    if found.failure:
        sys.exit(found.failure)
    words = {
        "orders": f"{found.sent:,} over {sessions} sessions, {received:,} bytes",
        "asked for": f"{rate / 1e6:.2f} M/s" if rate else "unlimited rate",
        "sent": f"{found.sent_per_s / 1e6:.2f} M/s, {found.late:,} sent over 1 ms late",
        "answered": f"{found.answered_per_s / 1e6:.2f} M/s",
        "processor": f"{busy / found.seconds:.0%} of one, {busy / found.sent * 1e9:.0f} ns an order",
        "round trip": str(Latency.of(total(found.latencies))),
    }
    for name, value in words.items():
        print(f"  {name:<26}{value}")


def serve(sessions: int, cpu: int | None, pipe: Connection) -> None:
    """The other end: send its port, log this many sessions in, read until they close, send the bytes read."""
    ready()
    from benchmarks.echo_loops import echo

    pin(cpu)
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server, select.epoll() as epoll:
        pipe.send(server.getsockname()[1])
        for _ in range(sessions):
            connection = server.accept()[0]
            nonce = bytes(NONCE_BYTES)
            connection.sendall(Challenge(version=WIRE_VERSION, open=1, login_timeout_ms=LONG_MS, nonce=nonce).encode())
            login = Login.decode(connection.recv(Login.SIZE, socket.MSG_WAITALL))
            accepted = LoginAccepted(
                owner=login.owner, next_sequence=1, oldest_sequence=1, heartbeat_ms=LONG_MS, timeout_ms=LONG_MS
            )
            connection.sendall(accepted.encode())
            connections.append(connection)
        pipe.send(echo(epoll.fileno(), [connection.fileno() for connection in connections], SIZES))
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    main()
