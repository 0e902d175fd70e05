"""The exchange of a market: a server in a process of its own, which ends with this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from ..environment import PREFIX
from ..load.server import ServerFailed, ServerProcess
from .options import Options

#: The owner for whom people trade in the page.
PERSON = 60_000

#: Orders that may rest. The traders have some hundreds in each instrument.
ORDER_CAPACITY = 1 << 17

#: A market begins with an opening auction. A trade that is so many ticks from the last one interrupts trading; an
#: interruption takes so many seconds, and a random part more.
RANGE_TICKS, INTERRUPTION_S, INTERRUPTION_WITHIN_S = 25, 8, 4

#: The same as rules of an instrument.
RULES = (
    f"phase=opening-auction,dynamic_range={RANGE_TICKS},interruption_s={INTERRUPTION_S},"
    f"interruption_within_s={INTERRUPTION_WITHIN_S}"
)

#: Settings that keep the server small: nothing here is busy enough for the defaults.
SMALL = (
    "--no-prefault",
    "--stream-reports", "131072",
    "--feed-store-reports", "131072",
    "--stats-interval-ms", "0",
    "--feed-listen-ms", "0",
)  # fmt: skip


class Exchange(ServerProcess):
    """An open exchange on 127.0.0.1 with a live page. A context manager. Raises ServerFailed."""

    def __init__(self, options: Options) -> None:
        self._folder = TemporaryDirectory(prefix="pricetime-market-")
        self.admin_socket = Path(self._folder.name) / "admin"
        rules = f"price_unit={options.price_unit},{RULES}"
        instruments = [
            f"--instrument=id={number},symbol={name},reference_price={options.start_ticks(number)},{rules}"
            for number, name in options.instruments.items()
        ]
        super().__init__(
            "--open", *instruments, "--order-capacity", str(ORDER_CAPACITY), *SMALL,
            "--admin-socket", str(self.admin_socket),
            "--port", str(options.port), "--http-port", str(options.http_port), "--http-owner", str(PERSON),
        )  # fmt: skip

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        """In a session of its own: Ctrl-C reaches this process alone, which then ends everything in order."""
        command = [sys.executable, "-m", "pricetime.market.child", *arguments]
        pipe = subprocess.PIPE
        # Settings of the environment are for the user's own server, not for this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env=environment,
        )  # fmt: skip

    def __enter__(self) -> Exchange:
        try:
            super().__enter__()
        except ServerFailed as error:
            raise self._explained(error) from error
        self.url = f"http://{self.host}:{self.last('serving')['http_port']}/"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._folder.cleanup()

    def check(self) -> None:
        """Raises ServerFailed if the server has ended."""
        if self.process.poll() is not None:
            raise self._explained(ServerFailed(f"the exchange ended with exit code {self.process.returncode}"))

    def _explained(self, failure: ServerFailed) -> ServerFailed:
        """The same failure, in the words of the server if it printed an error."""
        said = [str(event["event"]) for event in self.events]
        errors = [line.removeprefix("Error: ") for line in said if line.startswith("Error: ")]
        return ServerFailed(errors[-1]) if errors else failure
