"""A signal in a long apply: the array is executed whole, and what the handler raises carries the reports."""

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pricetime import Engine, Instrument, OrderBook
from pricetime.errors import BookBusy
from tests.core.test_busy import long_commands

pytestmark = pytest.mark.compiled


@pytest.fixture
def handler() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Set what SIGUSR1 calls."""
    old = signal.getsignal(signal.SIGUSR1)

    def use(call: Callable[[], object]) -> None:
        signal.signal(signal.SIGUSR1, lambda *_: call())

    yield use
    signal.signal(signal.SIGUSR1, old)


def apply_interrupted(engine: Any, commands: np.ndarray[Any, Any]) -> Any:
    """Apply, while a second thread sends a signal once it finds the engine busy. The reports, or the exception."""
    main = threading.get_ident()
    begun, ended = threading.Event(), threading.Event()

    def interrupt() -> None:
        begun.wait()
        while not ended.is_set():
            try:
                len(engine)
            except BookBusy:
                signal.pthread_kill(main, signal.SIGUSR1)
                return

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        begun.set()
        return engine.apply(commands)
    except (KeyboardInterrupt, TimeoutError) as error:
        return error
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, TimeoutError])
@pytest.mark.parametrize("kind", [OrderBook, Engine])
def test_what_a_handler_raises_carries_the_reports(handler: Any, raised: type[BaseException], kind: Any) -> None:
    def act() -> None:
        raise raised

    handler(act)
    commands = long_commands()
    for _ in range(20):  # the signal may come just before or behind the call
        engine = OrderBook(100) if kind is OrderBook else Engine([Instrument(0)], capacity=100)
        error = apply_interrupted(engine, commands)
        if isinstance(error, raised) and hasattr(error, "reports"):
            break
    assert len(error.reports) == len(commands)
    assert error.reports["seq_num"][-1] == len(commands)
    assert f"executed all {len(commands)} commands" in error.__notes__[0]
    engine.check()


def test_a_handler_finds_the_engine_free_and_the_reports_are_returned(handler: Any) -> None:
    engine = Engine([Instrument(0)], capacity=100, owner_limit=10)
    engine.book(0).add_order(5, 1, 1000, 5, owner=3)
    cancelled: list[int] = []
    handler(lambda: cancelled.append(engine.book(0).mass_cancel(3)))
    commands = long_commands()
    for _ in range(20):
        reports = apply_interrupted(engine, commands)
        assert len(reports) == len(commands)
        if cancelled:
            break
    assert cancelled[0] == 1
    assert 5 not in engine.book(0)
