"""Open live pages during a benchmark: ``python -m benchmarks.exchange --pages 20`` shows what they cost.

A separate process holds them open over WebSockets and takes every frame.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

#: Frames and their bytes, all pages together.
Seen = list[int]


@contextmanager
def opened(port: int, pages: int, cpu: int | None) -> Iterator[Seen]:
    """Open this many pages of the server on this port. At the end the list has frames and their bytes."""
    seen = [0, 0]
    here, there = multiprocessing.Pipe()
    watcher = multiprocessing.get_context("spawn").Process(target=watch, args=(port, pages, cpu, there))
    watcher.start()
    there.close()  # only this end stays open: if the process fails, recv reports it
    try:
        here.recv()  # all are open
        yield seen
        here.send("enough")
        seen[:] = here.recv()
    finally:
        watcher.join(10)
        watcher.kill()


def watch(port: int, pages: int, cpu: int | None, pipe: Connection) -> None:
    """Open pages and read their frames until a message ends it."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    pipe.send(asyncio.run(watch_all(port, pages, pipe)))


async def watch_all(port: int, pages: int, pipe: Connection) -> Seen:
    seen = [0, 0]
    ready = [asyncio.Event() for _ in range(pages)]
    tasks = [asyncio.create_task(watch_one(port, seen, event)) for event in ready]
    await asyncio.gather(*(event.wait() for event in ready))
    pipe.send("open")
    await asyncio.to_thread(pipe.recv)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


async def watch_one(port: int, seen: Seen, ready: asyncio.Event) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Origin

    address = f"127.0.0.1:{port}"
    # Connections that wait for their page are limited: one that the server closes meanwhile is opened again.
    async for page in connect(f"ws://{address}/live", origin=Origin(f"http://{address}"), compression=None):
        while True:
            try:
                frame = await page.recv(decode=False)
            except ConnectionClosed:
                return
            ready.set()
            seen[0] += 1
            seen[1] += len(frame)
            os.sched_yield()  # gives way to the load generator, so that the pages delay it as little as possible
