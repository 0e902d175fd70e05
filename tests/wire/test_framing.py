"""However the bytes come, the frames are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime.wire.framing import Frames
from pricetime.wire.messages import MAX_SIZE, MESSAGES, SIZES, Message
from pricetime.wire.types import SessionReason
from tests.wire.strategies import KINDS, messages, pieces


def cut(frames: Frames, parts: list[bytes]) -> list[bytes]:
    return [frame for part in parts for frame in frames.receive(part)]


@given(st.data(), st.lists(messages, max_size=8))
def test_any_pieces_give_the_same_frames(data: st.DataObject, sent: list[Message]) -> None:
    stream = b"".join(message.encode() for message in sent)
    frames = Frames()
    assert cut(frames, data.draw(pieces(stream))) == [message.encode() for message in sent]
    assert frames.begun is None
    assert not frames.reason


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_cut_at_every_byte(kind: type[Message]) -> None:
    data = kind().encode()
    for at in range(1, len(data)):
        frames = Frames()
        assert frames.receive(data[:at]) == []
        assert frames.begun == kind.TYPE
        assert frames.receive(data[at:]) == [data]
        assert frames.begun is None


@given(st.data(), st.lists(messages, max_size=4), st.sampled_from(sorted(set(range(256)) - set(MESSAGES))))
def test_an_unknown_type_ends_the_stream(data: st.DataObject, sent: list[Message], unknown: int) -> None:
    """What came before it is handed out, what comes behind it never."""
    stream = b"".join(message.encode() for message in sent) + bytes([unknown]) + MESSAGES[1]().encode()
    frames = Frames()
    assert cut(frames, data.draw(pieces(stream))) == [message.encode() for message in sent]
    assert frames.reason is SessionReason.UNKNOWN_TYPE
    assert frames.unknown == unknown
    assert frames.receive(MESSAGES[1]().encode()) == []
    assert frames.begun is None


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_more_than_one_begun_frame_is_kept(parts: list[bytes]) -> None:
    frames = Frames()
    for part in parts:
        frames.receive(part)
        assert len(frames._begun) < MAX_SIZE
        assert frames.begun is None or len(frames._begun) < SIZES[frames.begun]


def test_any_kind_of_bytes() -> None:
    data = MESSAGES[36]().encode()
    for given_ in (data, bytearray(data), memoryview(data)):
        assert Frames().receive(given_) == [data]
