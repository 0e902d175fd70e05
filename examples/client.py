"""Order entry over the network: orders with futures, many commands as an array, and a session that resumes.

pricetime serve --open
python examples/client.py
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from pricetime import BID, COMMAND, CommandType, PricetimeError, ReportKind
from pricetime.client import Client

WINDOW = 10_000  # commands that are sent before the answers of the last ones are read


def one_by_one(client: Client) -> None:
    """Each call returns a future at once; ``result`` waits for the answer."""
    first = client.add_order(1, BID, 100, 5)
    second = client.add_order(2, BID, 99, 5)
    client.replace_order(1, 101, 3)
    client.cancel_order(2)
    print(first.result(timeout=5))
    print(second.final.result(timeout=5))  # of the order's end
    try:
        client.cancel_order(2).result(timeout=5)
    except PricetimeError as error:
        print(f"{type(error).__name__}: {error}")


def in_bulk(client: Client, count: int) -> None:
    """Enter so many orders and cancel them again: arrays out, arrays in."""
    client.read()  # what came so far is not counted below
    commands = np.zeros(2 * count, COMMAND)
    commands["type"][0::2], commands["type"][1::2] = CommandType.NEW_ORDER, CommandType.CANCEL_ORDER
    commands["instrument"], commands["side"], commands["price"], commands["quantity"] = 1, BID, 100, 1
    commands["order_id"] = 10 + np.arange(2 * count) // 2
    kinds = np.zeros(256, np.int64)
    sent = 0
    began = time.perf_counter()
    while kinds.sum() < len(commands):  # each of these commands is answered by one report
        if sent - kinds.sum() <= WINDOW and sent < len(commands):
            client.send(commands[sent : sent + WINDOW])
            sent += WINDOW
        kinds += np.bincount(client.read(timeout=5)["kind"], minlength=256)
    seconds = time.perf_counter() - began
    print(f"{kinds[ReportKind.ACCEPTED]:,} accepted, {kinds[ReportKind.CANCELLED]:,} cancelled")
    print(f"{len(commands) / seconds:,.0f} commands/s")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=7001)
parser.add_argument("--owner", type=int, default=1)
parser.add_argument("--secret", default="", help="in hex; none for a server that is open")
parser.add_argument("--orders", type=int, default=100_000, help="entered and cancelled in bulk")
given = parser.parse_args()
session = {"owner": given.owner, "secret": bytes.fromhex(given.secret), "keep_orders": True}

try:
    with Client(given.host, given.port, **session) as client:
        one_by_one(client)
        in_bulk(client, given.orders)
        client.read()
        resume_from = client.next_sequence
        client.reduce_order(1, 1).result(timeout=5)
    with Client(given.host, given.port, **session, resume_from=resume_from) as client:
        for report in client.reports(timeout=0.2):  # what the session before did not read
            print(report.text())
        print(f"{client.mass_cancel().result(timeout=5).quantity} orders cancelled")
except PricetimeError as error:
    raise SystemExit(f"client: {error}") from None
