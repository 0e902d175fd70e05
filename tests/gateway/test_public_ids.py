"""Public ids: the cipher is Speck64/128, and what comes out of it does not tell what went in."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pricetime.errors import InvalidSetting
from pricetime.gateway.public_ids import PublicIds, digest_of_book, public_digest
from pricetime.types import EXECUTION_REPORT, ReportKind
from tests.gateway.floor import floor
from tests.gateway.orders import new

KEY = bytes.fromhex("0001020308090a0b1011121318191a1b")
MASK = 2**32 - 1


def speck(key: bytes, number: int) -> int:
    """Speck64/128 as its authors write it down."""
    k, *more = (int.from_bytes(key[i : i + 4], "little") for i in range(0, 16, 4))
    x, y = number >> 32, number & MASK

    def round_of(x: int, y: int, k: int) -> tuple[int, int]:
        x = ((x >> 8 | x << 24) + y & MASK) ^ k
        return x, ((y << 3 | y >> 29) & MASK) ^ x

    for i in range(27):
        x, y = round_of(x, y, k)
        left, k = round_of(more.pop(0), k, i)
        more.append(left)
    return x << 32 | y


def test_the_vector_of_the_paper() -> None:
    assert PublicIds(KEY).public(0x3B72, 0x65747475432D) == 0x8C6FA548454E028B
    assert speck(KEY, 0x3B7265747475432D) == 0x8C6FA548454E028B


@pytest.mark.parametrize("seed", range(20))
def test_any_key_and_id(seed: int) -> None:
    rng = random.Random(seed)
    key = rng.randbytes(16)
    ids = PublicIds(key)
    for owner, order_id in [
        (0, 0),
        (65535, 2**48 - 1),
        *((rng.randrange(2**16), rng.getrandbits(48)) for _ in range(50)),
    ]:
        assert ids.public(owner, order_id) == speck(key, owner << 48 | order_id)


def test_no_two_orders_share_one_and_none_is_its_own_key() -> None:
    ids = PublicIds()
    keys = [(owner, order_id) for owner in range(1, 101) for order_id in range(1000)]
    hidden = {ids.public(owner, order_id) for owner, order_id in keys}
    assert len(hidden) == len(keys)
    assert not hidden & {owner << 48 | order_id for owner, order_id in keys}
    assert len({number >> 48 for number in hidden}) > 40_000, "the upper bits say something of the owner"


def test_a_new_exchange_has_a_new_key() -> None:
    assert PublicIds().public(1, 1) != PublicIds().public(1, 1)


@pytest.mark.parametrize("key", [b"", bytes(15), bytes(17), bytes(32)])
def test_the_length_of_a_key(key: bytes) -> None:
    with pytest.raises(InvalidSetting, match=f"has {len(key)} bytes: give 16"):
        PublicIds(key)


def test_side_by_side_is_one_by_one() -> None:
    """The router hides up to 64 ids together; here so many trades come out of one turn, of any number."""
    with floor() as here:
        maker, taker = here.client(1), here.client(2)
        maker.ask(*(new(n, side=2, quantity=1) for n in range(1, 230)))
        here.feed.reports()
        done = 0
        for count in range(1, 21):
            taker.ask(new(1000 + count, quantity=count))
            reports = here.feed.reports()
            trades = reports[reports["kind"] == ReportKind.TRADE]
            public: Any = here.exchange.public_ids.public
            assert trades["maker_id"].tolist() == [public(1, done + n) for n in range(1, count + 1)]
            assert set(trades["order_id"].tolist()) == {public(2, 1000 + count)}
            assert set(reports["type"].tolist()) == {EXECUTION_REPORT}
            done += count


def test_the_digest_over_public_ids() -> None:
    """It is what the replica has, which knows no other ids; and an order more, or another key, is another digest."""
    with floor() as here:
        client = here.client(3)
        client.ask(*(new(n, side=1 + n % 2, price=100 + n % 2 * 10 - n, instrument=1 + n % 2) for n in range(1, 30)))
        engine, ids = here.exchange.engine, here.exchange.public_ids
        assert public_digest(engine, ids) == here.exchange.digest() == here.exchange.replica.builder.digest()
        other = PublicIds(KEY)
        assert digest_of_book(engine.book(1), ids) != digest_of_book(engine.book(1), other)
        before = here.exchange.digest()
        client.ask(new(30, price=1))
        assert here.exchange.digest() != before
