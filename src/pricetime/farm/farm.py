"""The farm: the workers of Ray, on this machine or in a cluster."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

from ..address import parse
from ..extras import require
from .errors import NoFarm
from .result import Result
from .task import Task

#: Most characters of the folder for temporary files: Ray makes sockets below it, whose paths may have 107 in all.
LONGEST_FOLDER = 20

#: Shared memory of a local Ray: results are small.
STORE_BYTES = 100 << 20

#: How long a Ray cluster may take to accept a connection.
REACH_S = 5

#: Tasks that are submitted ahead, per processor: enough for no worker to wait.
AHEAD = 16


class Farm:
    """Workers that perform tasks. Use it with ``with``.

    By default it starts Ray on this machine, on free ports, and ends it with the block. ``address``: that of a Ray
    cluster, such as ``10.0.0.1:6379`` on a machine of the cluster, or ``ray://10.0.0.1:10001``. ``workers``: how many
    tasks run at a time on this machine; by default one for each processor. ``retries``: how often a task is tried again
    when its worker dies. If this process uses Ray already, the farm joins it and leaves it running.

    Raises MissingExtra without the extra ``farm``; NoFarm if Ray does not start or the cluster cannot be reached.
    """

    def __init__(self, address: str | None = None, *, workers: int | None = None, retries: int = 3) -> None:
        _set_environment(local=address is None)
        self._ray: Any = require("ray", "farm", "the replay farm")
        self._address = address
        self._workers = workers
        self._retries = retries
        self._logs: str | None = None
        self._started = False

    def __enter__(self) -> Farm:
        if not self._ray.is_initialized():
            try:
                if self._address:
                    _reach(self._address)
                self._ray.init(**self._options())
            except Exception as error:  # Ray raises many kinds
                self._end()
                where = f"cannot use the Ray cluster at {self._address}" if self._address else "Ray does not start"
                raise NoFarm(f"{where}: {_line(error)}") from error
            self._started = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    @property
    def processors(self) -> int:
        """How many tasks run at a time."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def perform(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
        """Perform tasks, large ones first, and yield the place of each in ``tasks`` with its result, as they end."""
        remote = self._ray.remote(_perform).options(max_retries=self._retries, num_cpus=1)
        ahead = sorted(range(len(tasks)), key=lambda place: tasks[place].size)  # taken from the end
        running: dict[Any, int] = {}
        most = AHEAD * self.processors
        try:
            while ahead or running:
                while ahead and len(running) < most:
                    place = ahead.pop()
                    running[remote.remote(tasks[place])] = place
                ended, _ = self._ray.wait([*running], num_returns=1)
                for one in ended:
                    place = running.pop(one)
                    yield place, self._result(one, tasks[place])
        finally:
            for one in running:
                self._ray.cancel(one, force=True)

    def _result(self, ended: Any, task: Task) -> Result:
        try:
            result: Result = self._ray.get(ended)
        except self._ray.exceptions.WorkerCrashedError:
            return Result(task.given, errors=[f"its worker died, also in each of {self._retries} retries"])
        except self._ray.exceptions.RayError as error:
            return Result(task.given, errors=[f"no worker could perform it: {_line(error)}"])
        return result

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self._address:
            return options | {"address": self._address}
        long = len(tempfile.gettempdir()) > LONGEST_FOLDER
        folder = "/tmp" if long else None  # noqa: S108 - mkdtemp makes a private one in it
        self._logs = tempfile.mkdtemp(prefix="pricetime-farm-", dir=folder)
        return options | {
            "address": "local", "num_cpus": self._workers or os.cpu_count(), "include_dashboard": False,
            "object_store_memory": STORE_BYTES, "_temp_dir": self._logs,
        }  # fmt: skip

    def _end(self) -> None:
        if self._started:
            self._ray.shutdown()
            self._started = False
        if self._logs is not None:
            shutil.rmtree(self._logs, ignore_errors=True)
            self._logs = None


def _reach(address: str) -> None:
    """Raise OSError soon if no program listens at HOST:PORT. Ray itself tries for two minutes."""
    try:
        where = parse(address.removeprefix("ray://"))
    except ValueError:
        return  # a name that only Ray knows, such as auto
    socket.create_connection(where, timeout=REACH_S).close()


def _set_environment(*, local: bool) -> None:
    """Set what Ray reads when it is imported: no usage statistics; a token for a Ray that only this process may use.

    Its ports are open to the network, and without a token every program that reaches them may run code.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if local and "ray" not in sys.modules and "RAY_AUTH_MODE" not in os.environ:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _perform(task: Task) -> Result:
    return task.perform()


def _line(error: BaseException) -> str:
    """The last line of a message that is not empty."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
