"""Bytes into commands: against the wire's own rules, cut at every byte, and what is refused with which reason."""

import random
from typing import Any

import numpy as np
import pytest

from pricetime.exchange.io.decoder import Decoder
from pricetime.exchange.io.mass_cancels import PARTS
from pricetime.exchange.io.throttle import Throttle
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.sequencer import Sequencer
from pricetime.types import COMMAND, ORDER_EXTENSION, CommandType, OrderType, Reason, TimeInForce
from pricetime.wire.messages import (
    SIZES,
    Heartbeat,
    Logout,
    MassCancel,
    Message,
    NewOrder,
    OrderExtension,
    ReplaceOrder,
)
from pricetime.wire.rules import allowed
from pricetime.wire.session import Role, State
from pricetime.wire.types import SessionReason
from tests.exchange.orders import EXTENDED, POST_ONLY, cancel, extension, mass_cancel, new, reduce, replace
from tests.fuzz.gateway import FIELDS, Expected, commands_of, drawn, expected, play
from tests.wire.ends import session

FROM_CLIENTS: list[Message] = [
    new(1, tag=7, order_type=1, instructions=POST_ONLY),
    cancel(2),
    replace(3, 99, 5),
    reduce(4, 1),
    mass_cancel(5, side=2, instrument=1),
]
NEUTRAL: list[Message] = [Heartbeat(next_sequence=5)]
ORDERS = [new(1), replace(1, 1, 1)]
CANCELS = [cancel(1), reduce(1, 1), mass_cancel(1)]
MS = 1_000_000

#: Type of a checkpoint among the commands of a journal.
CHECKPOINT = 255
STOP, IOC = OrderType.STOP, TimeInForce.IOC


def make(**settings: Any) -> Any:
    config = GatewayConfig(**settings)
    return Decoder(config, *allowed(), Throttle(config), Sequencer(2**16))


def decode(data: bytes, decoder: Any = None, **more: Any) -> Expected:
    commands, used, reason = (decoder or make()).decoded(data, **more)
    return Expected(commands_of(commands), used, reason)


# ---------------------------------------------------------------------- what is right


@pytest.mark.parametrize("message", FROM_CLIENTS, ids=lambda message: type(message).__name__)
def test_every_message(message: Message) -> None:
    commands, used, reason = make().decoded(message.encode(), owner=0xABCD)
    assert (used, reason, len(commands)) == (message.SIZE, 0, 1)
    [command] = commands
    fields = message._asdict()
    fields["order_id"] |= 0xABCD << 48
    fields["owner"] = 0xABCD
    head = {"sequence": 1, "timestamp": 0, "session": 0xABCD, "length": 40}
    if isinstance(message, MassCancel):
        head["tag"] = PARTS[0]
    for name in COMMAND.names or ():
        assert command[name] == (head | fields).get(name, 0), name


def test_commands_are_numbered_on_and_on() -> None:
    decoder = make()
    numbers: list[int] = []
    for count in (1, 0, 3, 2):
        commands, _, _ = decoder.decoded(b"".join(new(n).encode() for n in range(count)))
        numbers += commands["sequence"].tolist()
    assert numbers == list(range(1, 7))
    assert commands["sequence"].tolist() == [5, 6]


EXTENDED_ORDERS: list[NewOrder | ReplaceOrder] = [
    new(3, order_type=STOP, time_in_force=IOC, instructions=EXTENDED | POST_ONLY, tag=7),
    replace(3, 5, 6)._replace(instructions=EXTENDED, tag=7),
]


@pytest.mark.parametrize("order", EXTENDED_ORDERS, ids=lambda order: type(order).__name__)
def test_an_order_with_its_extension(order: NewOrder | ReplaceOrder) -> None:
    more = OrderExtension(
        protection=2**32 - 1, trigger_price=-5, display_quantity=2**64 - 1, expiry_ns=1 << 40, minimum_quantity=9
    )
    decoder = make()
    commands, used, reason = decoder.decoded(new(1).encode() + order.encode() + more.encode() + cancel(3).encode(), 7)
    assert (len(commands), used, reason) == (4, 40 + 80 + 16, 0)
    assert commands["sequence"].tolist() == [1, 2, 3, 4]
    sent = commands[1]
    for name, value in (order._asdict() | {"order_id": 7 << 48 | 3}).items():
        assert name.startswith("zero") or sent[name] == value, name
    head = {"sequence": 3, "session": 7, "length": 40, "type": CommandType.ORDER_EXTENSION}
    [extension] = commands[2:3].view(ORDER_EXTENSION)
    for name in ORDER_EXTENSION.names or ():
        assert extension[name] == (head | more._asdict()).get(name, 0), name


def test_an_order_waits_for_its_extension() -> None:
    """Neither of the two becomes a command before both are complete."""
    for order in EXTENDED_ORDERS:
        data = order.encode() + extension(5).encode()
        for before in (b"", new(2).encode(), EXTENDED_ORDERS[1].encode() + extension(2).encode()):
            for at in range(len(data)):
                assert decode(before + data[:at]) == decode(before), at
            assert len(decode(before + data).commands) == len(decode(before).commands) + 2


@pytest.mark.parametrize("message", [new(2), cancel(2), Heartbeat(), Logout(), new(2, instructions=EXTENDED)])
def test_an_extended_order_without_its_extension_ends_the_session(message: Message) -> None:
    before = new(1).encode()
    for order in EXTENDED_ORDERS:
        data = before + order.encode() + message.encode()
        for end in (len(before) + 41, len(data)):
            assert decode(data[:end]) == Expected(decode(before).commands, 40, SessionReason.OUT_OF_STATE)


@pytest.mark.parametrize(
    "kind",
    [
        CommandType.REPLACE_ORDER_AS,
        CommandType.GATEWAY_REJECT,
        CommandType.SET_PHASE,
        CommandType.CONTINUE,
        CommandType.UNCROSS,
        CommandType.INDICATE,
        CommandType.EXPIRE,
        CommandType.SET_PRICE,
        CHECKPOINT,
    ],
)
def test_commands_of_the_exchange_end_a_clients_session(kind: int) -> None:
    """No message has their type, alone or in the place of an extension."""
    assert SIZES[kind] == 0
    for before, used in ((new(1).encode(), 40), (new(1, instructions=EXTENDED).encode(), 0)):
        found = decode(before + bytes([kind]) + bytes(63))
        assert (found.used, found.reason) == (used, SessionReason.UNKNOWN_TYPE)
        assert [command["type"] for command in found.commands] == [CommandType.NEW_ORDER] * (used > 0)


def test_an_extension_without_its_order_ends_the_session() -> None:
    for before in (b"", new(1).encode(), new(1, instructions=EXTENDED).encode() + extension(1).encode()):
        found = decode(before + extension(2).encode())
        assert found == Expected(decode(before).commands, len(before), SessionReason.OUT_OF_STATE)


@pytest.mark.parametrize("seed", range(20))
def test_however_it_is_cut(seed: int) -> None:
    """In pieces, as the loop does it: what is left of one goes before the next."""
    rng = random.Random(seed)
    data = b"".join(rng.choice(FROM_CLIENTS + NEUTRAL).encode() for _ in range(200))
    whole = decode(data)
    assert whole.used == len(data)
    decoder, found, kept, at = make(), [], b"", 0
    while at < len(data):
        size = rng.choice([1, 3, 15, 16, 17, 40, 41, 500])
        piece = kept + data[at : at + size]
        part = decode(piece, decoder)
        assert part.reason == 0
        assert len(piece) - part.used < 40
        kept, at = piece[part.used :], at + size
        found += part.commands
    assert not kept
    assert found == whole.commands


# ---------------------------------------------------------------------- what is refused


def refusal(data: bytes, decoder: Any = None, **more: Any) -> tuple[int, int, int]:
    """Type, reason and order id of the one command."""
    commands, used, reason = (decoder or make()).decoded(data, **more)
    assert (len(commands), used, reason) == (1, len(data), 0)
    [command] = commands
    assert command["session"] == more.get("owner", 1)
    return int(command["type"]), int(command["flags"]), int(command["order_id"])


@pytest.mark.parametrize("at", [34, 35, 41, 42, 43])
@pytest.mark.parametrize("order", [new(2, instructions=EXTENDED), replace(2, 1, 1)._replace(instructions=EXTENDED)])
def test_a_rejected_order_takes_its_extension_along(order: NewOrder | ReplaceOrder, at: int) -> None:
    data = bytearray(order.encode() + extension(7).encode())
    assert len(decode(bytes(data)).commands) == 2
    data[at] = 1
    assert refusal(bytes(data), owner=3) == (CommandType.GATEWAY_REJECT, Reason.MALFORMED, 2)
    data = bytearray(order._replace(order_id=2**48).encode() + extension(7).encode())
    assert refusal(bytes(data)) == (CommandType.GATEWAY_REJECT, Reason.INVALID_ORDER_ID, 2**48)


@pytest.mark.parametrize("at", [32, 34, 35])
def test_a_replace_with_a_field_that_must_be_0(at: int) -> None:
    data = bytearray(replace(2, 99, 5).encode())
    assert [command["type"] for command in decode(bytes(data)).commands] == [CommandType.REPLACE_ORDER]
    data[at] = 1
    assert refusal(bytes(data)) == (CommandType.GATEWAY_REJECT, Reason.MALFORMED, 2)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 127])
def test_a_replace_has_no_instruction_but_extended(bits: int) -> None:
    order = replace(2, 99, 5)._replace(instructions=bits)
    assert refusal(order.encode()) == (CommandType.GATEWAY_REJECT, Reason.MALFORMED, 2)
    order = order._replace(instructions=bits | EXTENDED)
    assert refusal(order.encode() + extension(1).encode()) == (CommandType.GATEWAY_REJECT, Reason.MALFORMED, 2)


def test_refusals_are_counted() -> None:
    decoder = make()
    commands, _, _ = decoder.decoded(new(1).encode() + new(2**48).encode() + cancel(2**50).encode())
    assert (decoder.rejects, len(commands)) == (2, 3)


# ---------------------------------------------------------------------- the throttle


def taken(decoder: Any, messages: list[Message], now_ns: int) -> int:
    """How many of these, sent together, are let through."""
    commands, _, _ = decoder.decoded(b"".join(m.encode() for m in messages), now_ns=now_ns, goes_on=True)
    refused = commands["type"] == CommandType.GATEWAY_REJECT
    assert set(commands["flags"][refused].tolist()) <= {Reason.THROTTLED}
    return int((~refused).sum())


@pytest.mark.parametrize(("rate", "burst", "most"), [(1000, 5, 5), (1000, 1, 1), (50, 0, 50), (1, 0, 1), (10**9, 7, 7)])
@pytest.mark.parametrize("message", ORDERS, ids=["new", "replace"])
def test_a_burst_of_orders(message: Message, rate: int, burst: int, most: int) -> None:
    decoder = make(orders_per_second=rate, burst=burst)
    assert taken(decoder, [message] * (most + 50), 10**12) == most


@pytest.mark.parametrize("message", CANCELS, ids=["cancel", "reduce", "mass cancel"])
def test_twice_as_many_cancels(message: Message) -> None:
    decoder = make(orders_per_second=1000, burst=5)
    assert taken(decoder, [message] * 50, 10**12) == 10
    assert taken(decoder, [new(1)] * 50, 10**12) == 5, "an account of their own"


def test_it_fills_again() -> None:
    decoder = make(orders_per_second=1000, burst=5)
    now = 10**12
    assert taken(decoder, [new(1)] * 9, now) == 5
    for after_ms, orders, cancels in [(0, 0, 10), (1, 1, 2), (3, 3, 6), (0.5, 0, 1), (0.5, 1, 1), (100, 5, 10)]:
        now += int(after_ms * MS)
        assert taken(decoder, [new(1)] * 20, now) == orders
        assert taken(decoder, [cancel(1)] * 20, now) == cancels


@pytest.mark.parametrize("seed", range(5))
def test_never_more_than_the_rate_and_a_burst(seed: int) -> None:
    rng = random.Random(seed)
    decoder = make(orders_per_second=2000, burst=7)
    start = now = 10**12
    through = sent = 0
    for _ in range(3000):
        now += rng.choice([0, 0, 1000, 300_000, 700_000])
        count = rng.randint(1, 2)
        through += taken(decoder, [new(1)] * count, now)
        sent += count
        assert through <= (now - start) * 2000 / 10**9 + 7
    assert through < sent
    assert through > (now - start) * 2000 / 10**9 - 7


def test_steady_orders_at_the_rate_all_pass() -> None:
    decoder = make(orders_per_second=1000, burst=1)
    assert [taken(decoder, [new(1)], 10**12 + n * MS) for n in range(100)] == [1] * 100


def test_too_many_refusals_end_the_session() -> None:
    decoder = make(orders_per_second=10, burst=10)
    commands, used, reason = decoder.decoded(new(1).encode() * 200, now_ns=10**12)
    assert reason == SessionReason.THROTTLE_EXCEEDED
    assert (len(commands), used) == (10 + 101, 40 * 111), "the last one has its answer too"
    _, used, reason = make(orders_per_second=500, burst=1).decoded(new(1).encode() * 600, now_ns=10**12)
    assert (used, reason) == (40 * 502, SessionReason.THROTTLE_EXCEEDED)


def test_a_second_of_peace_begins_the_count_anew() -> None:
    decoder = make(orders_per_second=10, burst=1)
    now = 10**12
    for _ in range(20):
        _, _, reason = decoder.decoded(new(1).encode() * 60, now_ns=now, goes_on=True)
        assert reason == 0
        now += 1001 * MS


def test_one_that_passes_now_and_then_does_not() -> None:
    decoder = make(orders_per_second=10, burst=1)
    reasons = [decoder.decoded(new(1).encode() * 11, now_ns=10**12 + n * 100 * MS, goes_on=True)[2] for n in range(11)]
    assert reasons == [0] * 10 + [SessionReason.THROTTLE_EXCEEDED]


def test_no_way_around_the_throttle() -> None:
    """What is wrong with an order otherwise does not make it free, and the client gets its own id back."""
    for bad in (new(2**48 + 3), cancel(2**48 + 3), cancel(1)._replace(zero=1), reduce(1, 1)._replace(zero2=1)):
        decoder = make(orders_per_second=10, burst=1)
        commands, _, reason = decoder.decoded(bad.encode() * 200, now_ns=10**12)
        assert reason == SessionReason.THROTTLE_EXCEEDED
        assert commands["flags"][-1] == Reason.THROTTLED
        assert commands["order_id"][-1] == bad.order_id


def test_an_extended_order_counts_once() -> None:
    data = (new(1, instructions=EXTENDED).encode() + extension(7).encode()) * 8
    commands, used, _ = make(orders_per_second=1000, burst=5).decoded(data, now_ns=10**12)
    pairs = [CommandType.NEW_ORDER, CommandType.ORDER_EXTENSION] * 5
    assert commands["type"].tolist() == [*pairs, *[CommandType.GATEWAY_REJECT] * 3]
    assert used == len(data)


def test_heartbeats_are_free() -> None:
    decoder = make(orders_per_second=10, burst=2)
    data = Heartbeat().encode() * 500 + new(1).encode() * 2
    commands, used, reason = decoder.decoded(data, now_ns=10**12)
    assert (commands["type"].tolist(), used, reason) == ([1, 1], len(data), 0)


# ---------------------------------------------------------------------- against the rules of the wire


def test_the_oracle_knows_all_fields() -> None:
    assert set(FIELDS) == set(COMMAND.names or ()) - {"sequence", "timestamp"}
    assert session(Role.EXCHANGE, State.ACTIVE).state is State.ACTIVE
    found = expected(new(3, tag=5).encode(), owner=2)
    assert found.commands[0]["order_id"] == 2 << 48 | 3


@pytest.mark.parametrize("seed", range(4))
def test_random_input_is_understood_as_the_rules_say(seed: int) -> None:
    source = drawn(random.Random(seed))
    decoder = make()
    endings = {play(decoder, next(source)) for _ in range(3000)}
    assert endings == {"goes on", "UNKNOWN_TYPE", "OUT_OF_STATE", "CLIENT_LOGOUT"}


def test_the_array_ends_with_the_last_command() -> None:
    commands, _, _ = make().decoded(cancel(1).encode() * 1000)
    assert len(commands) == 1000
    assert np.array_equal(commands["order_id"], np.full(1000, 1 << 48 | 1, np.uint64))
