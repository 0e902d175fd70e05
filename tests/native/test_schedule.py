import sys
import threading

import pytest

import pricetime

if not pricetime.COMPILED or sys.platform != "linux":
    pytest.skip("of the compiled form on Linux alone", allow_module_level=True)

from pricetime.native.schedule import take_short_turns


def test_a_thread_asks_for_itself() -> None:
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(take_short_turns()))
    thread.start()
    thread.join()
    assert answers in ([True], [False]), "an old system does not support it"
