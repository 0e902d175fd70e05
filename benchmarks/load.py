"""How many orders a second the load generator sends from one processor: into a sink, which reads and throws away.

    python -m benchmarks.load --rate 5000000 --load-cpu 1 --sink-cpu 0

The sink logs sessions in as an exchange does and answers nothing, so this is the sending alone: due times, the copy
into the outbound buffers, the system calls. What the generator does with answers beside it is in benchmarks.exchange.
"""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from multiprocessing.connection import Connection

import click

from benchmarks.exchange import pin
from pricetime.measure.load import Load, Pace
from pricetime.measure.machine import describe
from pricetime.measure.plan import make_plans
from pricetime.measure.run import LEAD_S
from pricetime.wire.messages import Challenge, Login, LoginAccepted
from pricetime.wire.types import NONCE_BYTES, WIRE_VERSION

#: Orders that are made; they are sent again and again.
ORDERS = 1 << 18

LONG_MS = 600_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=5e6, show_default=True, help="Orders a second; 0 for as fast as it goes.")
@click.option("--seconds", default=5.0, show_default=True, help="How long; at rate 0 five million orders each.")
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--load-cpu", type=int, help="Processor of the generator.")
@click.option("--sink-cpu", type=int, help="Processor of the sink.")
def main(rate: float, seconds: float, sessions: int, load_cpu: int | None, sink_cpu: int | None) -> None:
    """Send into a sink and print how fast that was."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    here, there = multiprocessing.Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=drain, args=(sessions, sink_cpu, there))
    sink.start()
    port = here.recv()
    pin(load_cpu)
    _, plans = make_plans("balanced", ORDERS, sessions, chunk=ORDERS)
    (plan,) = plans
    times = max(1, round((rate or 5e6) * seconds / plan.count))
    with Load("127.0.0.1", port, sessions, spins=load_cpu is not None) as load:
        start, busy = time.perf_counter() + LEAD_S, time.process_time()
        for number in range(times):
            while not load.offer(plan, Pace(rate), start, number * plan.count):
                load.check()
                time.sleep(0.001)
        while load.measured.sent < times * plan.count:
            load.check()
            time.sleep(0.001)
        busy = time.process_time() - busy
        sent = load.measured
    sink.join()
    took = sent.last_sent - start
    for name, value in {
        "orders": f"{sent.sent:,} over {sessions} sessions",
        "asked for": f"{rate / 1e6:.2f} M/s" if rate else "as fast as it goes",
        "sent": f"{sent.sent / took / 1e6:.2f} M/s, {sent.late:,} over 1 ms after they were due",
        "processor": f"{busy / took:.0%} of one, {busy / sent.sent * 1e9:.0f} ns an order",
        "bytes that came": f"{here.recv():,} of {times * len(plan.data):,}",
    }.items():
        print(f"  {name:<26}{value}")


def drain(sessions: int, cpu: int | None, pipe: Connection) -> None:
    """The sink: log so many sessions in, then read until they are closed; tell the port, and how many bytes came."""
    pin(cpu)
    count, buffer = 0, bytearray(1 << 20)
    with socket.create_server(("127.0.0.1", 0)) as server, selectors.DefaultSelector() as selector:
        pipe.send(server.getsockname()[1])
        for _ in range(sessions):
            connection = server.accept()[0]
            nonce = bytes(NONCE_BYTES)
            connection.sendall(Challenge(version=WIRE_VERSION, open=1, login_timeout_ms=LONG_MS, nonce=nonce).encode())
            login = Login.decode(connection.recv(Login.SIZE, socket.MSG_WAITALL))
            connection.sendall(
                LoginAccepted(
                    owner=login.owner, next_sequence=1, oldest_sequence=1, heartbeat_ms=LONG_MS, timeout_ms=LONG_MS
                ).encode()
            )
            selector.register(connection, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                connection = key.fileobj  # type: ignore[assignment]  # as registered
                n_bytes = connection.recv_into(buffer)
                count += n_bytes
                if not n_bytes:
                    selector.unregister(connection)
                    connection.close()
    pipe.send(count)


if __name__ == "__main__":
    main()
