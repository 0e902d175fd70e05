import pytest

from pricetime.log.stream import FRAME_BYTES, MOST_BYTES, Piece, PieceKind, Request

PIECE = Piece(PieceKind.SNAPSHOT, MOST_BYTES, 2**64 - 1, 2, 3, 4, 5)


def test_frames_come_back_as_they_were() -> None:
    assert Request.decode(Request(7, 2**63).encode()) == Request(7, 2**63)
    assert Piece.decode(PIECE.encode()) == PIECE
    assert len(Request(1).encode()) == len(PIECE.encode()) == FRAME_BYTES


def test_what_is_no_frame() -> None:
    with pytest.raises(ValueError, match="is not a request"):
        Request.decode(PIECE.encode())
    with pytest.raises(ValueError, match="is not a piece"):
        Piece.decode(Request(1).encode())
    with pytest.raises(ValueError, match="is not a piece"):
        Piece.decode(PIECE._replace(n_bytes=MOST_BYTES + 1).encode())
    with pytest.raises(ValueError, match="9 is not a valid PieceKind"):
        Piece.decode(PIECE._replace(kind=9).encode())  # type: ignore[arg-type]
