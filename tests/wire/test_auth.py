"""Proofs: good for this secret, this nonce and this login alone."""

import hashlib
import hmac

import pytest

from pricetime.wire import auth
from pricetime.wire.messages import Login

LOGIN = Login(version=1, flags=2, owner=7, next_sequence=41)
NONCE, SECRET = bytes(range(32)), b"a secret for tests"


def test_by_hand() -> None:
    made = auth.prove(SECRET, NONCE, LOGIN)
    expected = hmac.new(
        SECRET, NONCE + b"\x21\x01\x02\x00\x07\x00\x00\x00" + (41).to_bytes(8, "little"), hashlib.sha256
    )
    assert made.proof == expected.digest()
    assert made._replace(proof=bytes(32)) == LOGIN
    assert auth.verify(SECRET, NONCE, made)


@pytest.mark.parametrize("change", [{"owner": 8}, {"flags": 3}, {"next_sequence": 42}, {"version": 2}, {"zero": 1}])
def test_a_login_that_was_changed(change: dict[str, int]) -> None:
    assert not auth.verify(SECRET, NONCE, auth.prove(SECRET, NONCE, LOGIN)._replace(**change))


def test_another_nonce_another_secret_another_proof() -> None:
    made = auth.prove(SECRET, NONCE, LOGIN)
    assert not auth.verify(SECRET, NONCE[::-1], made)
    assert not auth.verify(SECRET + b"!", NONCE, made)
    for at in range(32):
        wrong = bytearray(made.proof)
        wrong[at] ^= 1
        assert not auth.verify(SECRET, NONCE, made._replace(proof=bytes(wrong)))


def test_an_owner_that_is_not_known() -> None:
    assert not auth.verify(None, NONCE, auth.prove(SECRET, NONCE, LOGIN))
    assert not auth.verify(None, NONCE, auth.prove(auth._UNKNOWN, NONCE, LOGIN))


def test_what_is_drawn() -> None:
    assert len({auth.make_nonce() for _ in range(100)}) == 100
    assert len({auth.make_secret() for _ in range(100)}) == 100
    assert len(auth.make_nonce()) == len(auth.make_secret()) == 32
