"""Measure the load generator alone: orders a second from one processor, against a minimal exchange.

    python -m benchmarks.load --rate 5000000 --load-cpu 1 --echo-cpu 0
    python -m benchmarks.load --rate 0

The other end logs sessions in as an exchange does. First it discards what arrives: this measures sending alone, which
is due times, the copy into the outbound buffers and the system calls. Then it answers every order with one report: this
measures the whole generator, with reading, checking and recording. benchmarks.exchange uses a real exchange.
"""

from __future__ import annotations

import multiprocessing
import select
import socket
import sys
import time
from multiprocessing.connection import Connection

import click

from benchmarks.exchange import pin
from pricetime.cli.load_show import one_line
from pricetime.load.load import Load, Pace
from pricetime.load.machine import describe
from pricetime.load.plan import Plan, make_plans
from pricetime.load.run import LEAD_S, total
from pricetime.load.run_file import Latency
from pricetime.wire.messages import SIZES, Challenge, Login, LoginAccepted
from pricetime.wire.types import NONCE_BYTES, WIRE_VERSION

from .build import NotCompiled, ready

#: Orders that are made; they are sent repeatedly, because the other end does not check them.
ORDERS = 1 << 18

#: The most orders without an answer; the sink gets no more than that.
MOST_UNANSWERED = 3_500_000

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
    """Measure sending alone, then sending and reading, and print the rates."""
    try:
        ready()
    except NotCompiled as error:
        sys.exit(str(error))
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    _, plans = make_plans("balanced", ORDERS, sessions, chunk=ORDERS)
    (plan,) = plans
    orders = round((rate or 5e6) * seconds)
    for answers in (False, True):
        here, there = multiprocessing.Pipe()
        arguments = (sessions, echo_cpu, there, answers)
        other = multiprocessing.get_context("spawn").Process(target=serve, args=arguments, daemon=True)
        other.start()
        there.close()  # only this end stays open: if the process fails, recv reports it
        port = here.recv()
        pin(load_cpu)
        with Load("127.0.0.1", port, sessions, spins=load_cpu is not None) as load:
            found = drive(load, plan, rate, orders if answers else min(orders, MOST_UNANSWERED), answers=answers)
        found["bytes at the other end"] = f"{here.recv():,}"
        other.join()
        print("sent and answered" if answers else "sent alone")
        for name, value in found.items():
            print(f"  {name:<26}{value}")


def drive(load: Load, plan: Plan, rate: float, orders: int, *, answers: bool) -> dict[str, str]:
    """Send a plan as often as needed; return the result."""
    times = max(1, orders // plan.count)
    start, busy = time.perf_counter() + LEAD_S, time.process_time()
    for number in range(times):
        while not load.offer(plan, Pace(rate), start, number * plan.count):
            load.check()
            time.sleep(0.001)
    while (load.measured.answered if answers else load.measured.sent) < times * plan.count:
        load.check()
        time.sleep(0.001)
    busy = time.process_time() - busy
    seen = load.measured
    took = (seen.last_answer if answers else seen.last_sent) - start
    found = {
        "orders": f"{seen.sent:,} over {len(load.accounts)} sessions",
        "asked for": f"{rate / 1e6:.2f} M/s" if rate else "unlimited rate",
        "sent": f"{seen.sent / (seen.last_sent - start) / 1e6:.2f} M/s, {seen.late:,} sent over 1 ms late",
        "processor": f"{busy / took:.0%} of one, {busy / seen.sent * 1e9:.0f} ns an order",
    }
    if answers:
        of = Latency.of(total(load.latencies()))
        found["answered"] = f"{seen.answered / took / 1e6:.2f} M/s"
        found["round trip"] = one_line(of)
    return found


def serve(sessions: int, cpu: int | None, pipe: Connection, answers: bool) -> None:
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
        pipe.send(echo(epoll.fileno(), [connection.fileno() for connection in connections], SIZES, answers))
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    main()
