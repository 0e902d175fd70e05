"""The login proof: a client proves that it knows its owner's secret without sending the secret.

The exchange makes a random nonce for each connection. The proof is HMAC-SHA256, under the secret, over the nonce and
the 16 bytes of the login before the proof. So it is valid for this connection, this owner and these flags only, and a
listener cannot use it to log in. The messages after the login are neither encrypted nor signed: use networks that you
trust.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from .messages import Login
from .types import NONCE_BYTES

#: Bytes of a login that the proof covers: all bytes before it.
PROVEN_BYTES = 16

#: Bytes of a secret from ``make_secret``. Any other length works too; one below 16 can be guessed.
SECRET_BYTES = 32

_UNKNOWN = secrets.token_bytes(SECRET_BYTES)


def make_nonce() -> bytes:
    """Return a random nonce for one connection."""
    return secrets.token_bytes(NONCE_BYTES)


def make_secret() -> bytes:
    """Return a random secret for a new owner."""
    return secrets.token_bytes(SECRET_BYTES)


def proof(secret: bytes, nonce: bytes, login: bytes) -> bytes:
    """Return the proof of a login, given as its bytes, of which the first 16 count."""
    return hmac.digest(secret, nonce + login[:PROVEN_BYTES], hashlib.sha256)


def prove(secret: bytes, nonce: bytes, login: Login) -> Login:
    """Return the login with its proof."""
    return login._replace(proof=proof(secret, nonce, login.encode()))


def verify(secret: bytes | None, nonce: bytes, login: Login) -> bool:
    """Return whether the login has the right proof.

    ``secret``: None for an unknown owner; the answer is then False, after the same computation.
    """
    due = proof(_UNKNOWN if secret is None else secret, nonce, login.encode())
    return hmac.compare_digest(due, login.proof) and secret is not None
