"""Bad input for the gateway's decoder, held against the wire's own framing and session rules.

python -m tests.fuzz.gateway --inputs 10000000
"""

import random
from collections.abc import Iterator
from copy import copy
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pricetime.types import COMMAND, ORDER_EXTENSION, CommandType, Instruction, Reason
from pricetime.wire.framing import Frames
from pricetime.wire.messages import Heartbeat, Logout, Message, NewOrder, OpenOrders, OrderExtension, ReplaceOrder
from pricetime.wire.rules import Role, State
from pricetime.wire.session import Ended
from pricetime.wire.types import ORDER_ID_BITS, SessionReason
from tests.fuzz import wire
from tests.wire.ends import session

FIELDS = (
    "session", "length", "order_type", "instructions", "type", "side", "time_in_force", "flags", "instrument",
    "order_id", "price", "quantity", "owner", "tag",
)  # fmt: skip

#: An exchange whose client is logged in; copied for each input.
ACTIVE = session(Role.EXCHANGE, State.ACTIVE)

ENCODED = [*wire.ENCODED, *wire.FITTING[Role.EXCHANGE, State.ACTIVE] * 4]


class Expected(NamedTuple):
    """What becomes of some bytes."""

    commands: list[dict[str, int]]
    used: int
    reason: int


def commands_of(commands: NDArray[np.void]) -> list[dict[str, int]]:
    """Commands as dictionaries of what the oracle knows."""
    return [dict(zip(FIELDS, row, strict=True)) for row in commands[list(FIELDS)].tolist()]


def expected(data: bytes, owner: int) -> Expected:
    """What the wire makes of bytes that come to an exchange in one piece."""
    end = copy(ACTIVE)
    end._frames = Frames()
    commands: list[dict[str, int]] = []
    used = 0
    order: NewOrder | ReplaceOrder | None = None  # whose extension must follow
    for event in end.receive(data, 1):
        if isinstance(event, Ended):
            return Expected(commands, used, event.reason)
        if isinstance(event, NewOrder | ReplaceOrder) and event.instructions & Instruction.EXTENDED:
            order = event
            continue
        if isinstance(event, OrderExtension):
            assert order is not None
            used += order.SIZE + event.SIZE
            commands += commands_of_extended(order, event, owner)
            continue
        used += event.SIZE
        if isinstance(event, Logout):
            return Expected(commands, used, SessionReason.CLIENT_LOGOUT)
        if not isinstance(event, Heartbeat):
            command = command_of(event, owner)
            if command["type"] == CommandType.MASS_CANCEL:
                from pricetime.exchange.io.mass_cancels import PARTS  # missing if the gateway is not compiled

                command["tag"] = PARTS[0]
            commands.append(command)
    return Expected(commands, used, SessionReason.NO_REASON)


def commands_of_extended(order: NewOrder | ReplaceOrder, extension: OrderExtension, owner: int) -> list[dict[str, int]]:
    """The two commands that an order with its extension becomes, or the one that rejects both."""
    command = command_of(order, owner)
    if command["type"] != CommandType.GATEWAY_REJECT and extension.malformed:
        command = command_of(order._replace(zero=1), owner)
    if command["type"] == CommandType.GATEWAY_REJECT:
        return [command]
    record = np.zeros(1, ORDER_EXTENSION)
    for name in extension.FIELDS:
        record[name] = getattr(extension, name)
    record["session"], record["length"], record["type"] = owner, 40, CommandType.ORDER_EXTENSION
    return [command, *commands_of(record.view(COMMAND))]


def command_of(message: Message, owner: int) -> dict[str, int]:
    """The command that a message becomes."""
    command = dict.fromkeys(FIELDS, 0)
    command.update((name, value) for name, value in message._asdict().items() if name in command)
    command.update(session=owner, owner=owner, length=40)
    reason = Reason.MALFORMED if message.malformed else Reason.NONE
    if isinstance(message, ReplaceOrder) and message.instructions & ~Instruction.EXTENDED:
        reason = Reason.MALFORMED
    if isinstance(message, OpenOrders):
        command["quantity"] = message.behind
        if message.flags > 1:
            reason = Reason.MALFORMED
        elif not reason and message.behind >> ORDER_ID_BITS:
            reason = Reason.INVALID_ORDER_ID
    if command["order_id"] >> ORDER_ID_BITS:
        reason = Reason.INVALID_ORDER_ID
    if reason:
        command.update(type=CommandType.GATEWAY_REJECT, flags=reason)
    else:
        command["order_id"] |= owner << ORDER_ID_BITS
        if isinstance(message, OpenOrders):
            command["quantity"] |= owner << ORDER_ID_BITS
    return command


def cut_everywhere() -> Iterator[bytes]:
    """Every message, cut at every byte, alone and after a second one."""
    for before in (b"", ENCODED[-1]):
        for data in wire.ENCODED:
            yield from (before + data[:at] for at in range(len(data) + 1))


def drawn(rng: random.Random) -> Iterator[bytes]:
    """Random and mutated ones, without end."""
    while True:
        kind = rng.random()
        if kind < 0.2:
            yield rng.randbytes(rng.randrange(100))
        else:
            data = b"".join(rng.choices(ENCODED if kind < 0.4 else ENCODED[len(wire.ENCODED) :], k=rng.randint(1, 5)))
            for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
                data = wire.mutate(rng, data)
            yield data


def play(decoder: Any, data: bytes) -> str:
    """Put it in, and look whether the decoder understood what the wire's rules say. Returns how it ended."""
    commands, used, reason = decoder.decoded(data, 3)
    wanted = expected(data, 3)
    found = Expected(commands_of(commands), used, reason)
    assert found == wanted, f"{found} is not {wanted}"
    return SessionReason(reason).name if reason else "goes on"


def make_decoder() -> Any:
    from pricetime.exchange.io.decoder import Decoder
    from pricetime.exchange.io.throttle import Throttle
    from pricetime.exchange.settings.config import GatewayConfig
    from pricetime.exchange.state.sequencer import Sequencer
    from pricetime.wire.rules import allowed

    config = GatewayConfig()
    return Decoder(config, *allowed(), Throttle(config), Sequencer(1 << 16))


def fuzz(inputs: int, seed: int) -> wire.Outcome:
    cases = chain(cut_everywhere(), drawn(random.Random(seed)))
    return wire.rounds(inputs, seed, cases, partial(play, make_decoder()), len)


main = wire.command(
    fuzz, "Put bad input through the gateway's decoder: it does what the wire's rules say, and does not grow."
)

if __name__ == "__main__":
    main()
