"""What has no room names the setting to lower."""

import errno

import pytest

from pricetime.exchange.settings.errors import CannotStart
from pricetime.exchange.settings.room import room_for

REMEDY = "lower order_capacity or segment_bytes, or raise the memory limit"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError("no room for 5 orders"), f"no room for 5 orders: {REMEDY}"),
        (MemoryError(), f"not enough memory: {REMEDY}"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), f"into memory (Cannot allocate memory): {REMEDY}"),
        (RuntimeError("can't start new thread"), f"cannot start a thread: {REMEDY}"),
    ],
)
def test_the_remedy_is_named(error: Exception, message: str) -> None:
    with pytest.raises(CannotStart) as told, room_for("order_capacity", "segment_bytes"):
        raise error
    assert str(told.value).endswith(message)
    with pytest.raises(CannotStart) as again, room_for("feed_store_reports"):
        raise told.value
    assert again.value is told.value, "the innermost knows best"


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), RuntimeError("else"), ValueError()])
def test_any_other_error_is_left_alone(error: Exception) -> None:
    with pytest.raises(type(error)) as told, room_for("order_capacity"):
        raise error
    assert told.value is error
