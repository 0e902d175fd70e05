"""A server with a page, and a page without a browser."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import connect
from websockets.typing import Origin

from tests.cli.served import Served, served

PATIENCE_S = 30.0


class Watcher:
    """Connects as a page does, and keeps the messages that it receives."""

    def __init__(self, address: str, origin: str | None = None) -> None:
        self.got: list[Any] = []
        self.requests = 0
        self._address, self._origin = address, Origin(origin or f"http://{address}")
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self.socket = self._opened.enter_context(
            connect(
                f"ws://{self._address}/live",
                origin=self._origin,
                open_timeout=PATIENCE_S,
                max_size=2**17,
                compression=None,
            )
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._opened.close()

    def hear(self) -> Any:
        message = json.loads(self.socket.recv(PATIENCE_S))
        self.got.append(message)
        return message

    def until(self, condition: Callable[[Any], object]) -> Any:
        """The first message that meets a condition."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if condition(message := self.hear()):
                return message
        raise AssertionError(f"the condition was never met: {self.got[-1]}")

    def frame(self, condition: Callable[[Any], object]) -> Any:
        """The first frame that meets a condition."""
        return self.until(lambda message: message["type"] == "frame" and condition(message))

    def orders(self, condition: Callable[[list[Any]], object]) -> list[Any]:
        """The orders of the sandbox, as soon as they meet a condition."""
        found: list[Any] = self.frame(lambda f: "sandbox" in f and condition(f["sandbox"]["orders"]))["sandbox"][
            "orders"
        ]
        return found

    def ask(self, **asked: object) -> Any:
        """Send a request: the answer."""
        self.requests += 1
        self.socket.send(json.dumps({"request": self.requests, **asked}))
        return self.until(lambda message: message["type"] == "answer" and message["request"] == self.requests)

    def order(self, side: str, quantity: object, price: object, **more: object) -> Any:
        return self.ask(**{**PLAIN, "side": side, "quantity": str(quantity), "price": str(price), **more})


#: A limit order until it is cancelled.
PLAIN: Mapping[str, object] = {
    "do": "order", "instrument": 1, "type": "limit", "time_in_force": "gtc", "instruction": "",
    "trigger_price": "", "display_quantity": "", "minimum_quantity": "", "expiry": "NaN",
    "protection": "",
}  # fmt: skip


class Page:
    """A server, and the address of its page."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.port = int(server.last("serving")["http_port"])
        self.address = f"127.0.0.1:{self.port}"

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def watcher(self, origin: str | None = None) -> Watcher:
        return Watcher(self.address, origin)


SANDBOX = 9


@contextmanager
def page(*options: str) -> Iterator[Page]:
    """A server with these options; without options, an open exchange with a sandbox."""
    given = options or ("--open", "--http-owner", str(SANDBOX))
    with served("--http-port", "0", *given) as server:
        yield Page(server)
