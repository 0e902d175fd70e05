"""Who a client is: it proves that it knows its secret without saying it.

The exchange draws a nonce for each connection. The proof is HMAC-SHA256, under the secret, of the nonce and the 16
bytes of the login before the proof: so it is good for this connection, this owner and these options alone. Who listens
learns nothing to log in with; what follows is neither encrypted nor signed, so cross only networks that you trust.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from .messages import Login
from .types import NONCE_BYTES

#: Bytes of a login that the proof covers: all before it.
PROVEN_BYTES = 16

#: Bytes of a secret that is made here. Any other length will do; below 16 it may be guessed.
SECRET_BYTES = 32

_NOBODY = secrets.token_bytes(SECRET_BYTES)


def make_nonce() -> bytes:
    """Drawn anew for each connection, never used again."""
    return secrets.token_bytes(NONCE_BYTES)


def make_secret() -> bytes:
    """For a new owner."""
    return secrets.token_bytes(SECRET_BYTES)


def proof(secret: bytes, nonce: bytes, login: bytes) -> bytes:
    """What a login must carry; ``login`` is its bytes, of which the first 16 count."""
    return hmac.digest(secret, nonce + login[:PROVEN_BYTES], hashlib.sha256)


def prove(secret: bytes, nonce: bytes, login: Login) -> Login:
    """The login, with its proof."""
    return login._replace(proof=proof(secret, nonce, login.encode()))


def verify(secret: bytes | None, nonce: bytes, login: Login) -> bool:
    """Whether the login was made by one who knows the secret.

    An owner that is not known has the secret None: the answer is no, and takes as long as any other.
    """
    due = proof(_NOBODY if secret is None else secret, nonce, login.encode())
    return hmac.compare_digest(due, login.proof) and secret is not None
