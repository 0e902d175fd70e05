"""Checks what clients, subscribers and nodes have seen of a cluster against the history that survived.

    history = History.of(messages)  # all messages of the stream
    check_trader(history, trader)
    check_feed(history, datagrams)

It reads the messages with few lines of its own, and runs the commands in a machine of its own. Each check raises
``Wrong``, which says what it found.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from pricetime.exchange.state.machine import Machine
from pricetime.log.configuration import Configuration
from pricetime.types import COMMAND, REPORT, CommandType

Array: TypeAlias = np.ndarray[Any, np.dtype[np.void]]

#: Magic, version, kind, checkpoints, term, commands, first, last, digest of the message before, own digest.
HEAD = struct.Struct("<4sHBBIIQQ16s16s32x")

#: Reports that a machine keeps of each owner, and of the feed.
STREAM_REPORTS, FEED_REPORTS = 1 << 17, 1 << 20

#: Type of a command that the gateway has rejected: it only makes the report.
GATEWAY_REJECT = int(CommandType.GATEWAY_REJECT)

#: The bits of an order id that a client chooses; the others are its owner.
CLIENTS_BITS = (1 << 48) - 1


class Wrong(AssertionError):
    """The cluster broke its promise."""


def check(holds: object, message: str) -> None:
    """Raise Wrong unless something holds."""
    if not holds:
        raise Wrong(message)


class Term(NamedTuple):
    """A term record."""

    term: int
    node: str
    after: int  #: the last command before it
    epoch: int
    configuration: Configuration


class Identity(NamedTuple):
    """What a trader sends at most once."""

    kind: int
    order_id: int
    price: int
    quantity: int


@dataclass
class History:
    """What the stream says, after all checks that the stream alone allows."""

    terms: list[Term] = field(default_factory=list)
    commands: Array = field(default_factory=lambda: np.empty(0, COMMAND))
    late: int = 0  #: messages of a leader that had been replaced
    digest: int = 0  #: of the books
    streams: dict[int, Array] = field(default_factory=dict)  #: the reports of each owner, from 1 on
    feed: Array = field(default_factory=lambda: np.empty(0, REPORT))  #: all reports of the feed, from 1 on

    @classmethod
    def of(cls, messages: Sequence[tuple[int, bytes]]) -> History:
        """Read all messages of the stream, from the first on."""
        made = cls()
        runs: list[tuple[Term, Array]] = []
        digest, term, last, place = bytes(16), 0, 0, 0
        for at, data in messages:
            check(at == place + 1, f"message {at} comes after {place}")
            place = at
            magic, version, kind, points, its_term, count, first, its_last, before, own = HEAD.unpack_from(data)
            check((magic, version) == (b"PTPG", 1), f"message {at} is not a page")
            check(own == digest_of(data), f"message {at} is damaged")
            if kind == 1 and its_term < term:
                made.late += 1
                continue
            check(before == digest, f"message {at} does not follow the message before it")
            check(first == last + 1 and its_last == first + count - 1, f"message {at} is {first} to {its_last}")
            digest, last = own, its_last
            if kind == 2:
                check(its_term > term, f"term {its_term} comes after {term}")
                term = its_term
                made.terms.append(term_of(data, its_term, last))
                runs.append((made.terms[-1], np.empty(0, COMMAND)))
            else:
                check(its_term == term, f"message {at} is of term {its_term}, in term {term}")
                commands = np.frombuffer(data, COMMAND, count, HEAD.size + 32 * points)
                check(list(commands["sequence"]) == [*range(first, its_last + 1)], f"message {at} has other commands")
                runs.append((made.terms[-1], commands))
        made._run(runs)
        return made

    def _run(self, runs: Sequence[tuple[Term, Array]]) -> None:
        """Run everything in a machine of its own."""
        machine: Machine | None = None
        for term, commands in runs:
            if machine is None:
                machine = Machine(term.configuration, stream_reports=STREAM_REPORTS, feed_reports=FEED_REPORTS)
            if machine.configuration.digest != term.configuration.digest:
                machine.reconfigure(term.configuration)
            if machine.epoch != term.epoch:
                machine.begin_epoch(term.epoch)
            machine.run(commands)
        if machine is None:
            return
        self.commands = np.concatenate([commands for _, commands in runs])
        self.digest = machine.digest()
        owners, reports = machine.streams.dump(STREAM_REPORTS)
        at = 0
        for owner in owners:
            count = int(owner["kept"])
            check(count + 1 == owner["next_sequence"], f"owner {owner}: the checker keeps too few reports")
            self.streams[int(owner["owner"])] = reports[at : at + count]
            at += count
        self.feed = machine.store.array(1, machine.next_sequence - 1)

    def executed(self, owner: int) -> Counter[Identity]:
        """How often each command of an owner is in the history, without those that the gateway rejected."""
        mine = self.commands[(self.commands["session"] == owner) & (self.commands["type"] != GATEWAY_REJECT)]
        return Counter(
            Identity(int(one["type"]), int(one["order_id"]) & CLIENTS_BITS, int(one["price"]), int(one["quantity"]))
            for one in mine
        )


def digest_of(data: bytes) -> bytes:
    """The digest of a message: over all of it, with zeros in the place of the digest."""
    return hashlib.blake2b(data[:48] + bytes(16) + data[64:], digest_size=16).digest()


def term_of(data: bytes, term: int, after: int) -> Term:
    """The term record in a message."""
    said = json.loads(data[HEAD.size :])
    configuration = Configuration.from_json(json.dumps(said["configuration"]).encode())
    return Term(term, said["node"], after, int(said["epoch"]), configuration)


# ---------------------------------------------------------------------- clients


@dataclass
class Trader:
    """What one client has sent and received, over all its connections."""

    owner: int
    sent: dict[Identity, float] = field(default_factory=dict)  #: with the time
    acknowledged: dict[Identity, float] = field(default_factory=dict)  #: whose answer says that they were executed
    refused: set[Identity] = field(default_factory=set)  #: whose answer says that they were not executed
    reports: list[bytes] = field(default_factory=list)  #: in the order in which they came


def check_trader(history: History, trader: Trader, *, whole: bool = True) -> None:
    """Nothing that was acknowledged is lost, nothing was executed twice, and no report is unknown to the history.

    ``whole``: the client has received everything, so it has all reports of the history too.
    """
    owner = trader.owner
    mine = history.streams.get(owner, np.empty(0, REPORT))
    received = np.frombuffer(b"".join(trader.reports), REPORT)
    numbers = [int(number) for number in received["seq_num"]]
    check(numbers == [*range(1, len(numbers) + 1)], f"owner {owner}: report numbers are {gap_in(numbers)}")
    check(len(received) <= len(mine), f"owner {owner}: {len(received)} reports came, the history has {len(mine)}")
    for ours, theirs in zip(received, mine, strict=False):
        check(ours == theirs, f"owner {owner}: report {ours} came, and the history has {theirs}")
    check(not whole or len(received) == len(mine), f"owner {owner}: {len(received)} of {len(mine)} reports came")
    executed = history.executed(owner)
    for identity in trader.acknowledged:
        check(executed[identity] > 0, f"owner {owner}: {identity} was acknowledged and is lost")
    for identity in trader.refused:
        check(executed[identity] == 0, f"owner {owner}: {identity} was refused and executed")
    for identity, times in executed.items():
        check(identity in trader.sent, f"owner {owner}: {identity} was never sent")
        check(times == 1, f"owner {owner}: {identity} was executed {times} times")


def check_session(history: History, owner: int, reports: Sequence[tuple[float, bytes]]) -> None:
    """All that one session brought, from the owner's first report on, is in the history."""
    seen = Trader(owner, reports=[report for _, report in reports])
    mine = history.streams.get(owner, np.empty(0, REPORT))
    received = np.frombuffer(b"".join(seen.reports), REPORT)
    check(len(received) <= len(mine), f"owner {owner}: {len(received)} reports came, the history has {len(mine)}")
    check(np.array_equal(received, mine[: len(received)]), f"owner {owner}: the session brought other reports")


def gap_in(numbers: Sequence[int]) -> str:
    """Where numbers are not 1, 2, 3 and so on."""
    at = next((index for index, number in enumerate(numbers) if number != index + 1), len(numbers))
    return f"{numbers[max(0, at - 2) : at + 3]} from place {at} on"


# ---------------------------------------------------------------------- the feed


class Datagram(NamedTuple):
    """A datagram of the feed."""

    at: float  #: time.time() when it was received
    source: tuple[str, int]
    data: bytes


#: The types of records in a datagram: a report, and a heartbeat.
REPORT_TYPE = 16
HEARTBEAT = struct.Struct("<BBHIQQQIIQ")


def records_of(datagram: Datagram) -> Iterator[bytes]:
    """The records of a datagram, of 48 bytes each."""
    for at in range(0, len(datagram.data), REPORT.itemsize):
        yield datagram.data[at : at + REPORT.itemsize]


def check_feed(history: History, datagrams: Iterable[Datagram]) -> None:
    """Every report in every datagram, of any sender, is in the history with its number."""
    for datagram in datagrams:
        for record in records_of(datagram):
            if record[0] != REPORT_TYPE:
                continue
            report = np.frombuffer(record, REPORT)[0]
            number = int(report["seq_num"])
            check(1 <= number <= len(history.feed), f"the feed's report {number} is not in the history: {report}")
            check(
                report == history.feed[number - 1],
                f"the feed's report is {report}, and the history has {history.feed[number - 1]}",
            )


def terms_of(datagrams: Iterable[Datagram]) -> Mapping[tuple[str, int], list[int]]:
    """The terms that each source of datagrams has named in its heartbeats, in their order."""
    found: dict[tuple[str, int], list[int]] = {}
    for datagram in datagrams:
        named = found.setdefault(datagram.source, [])
        for record in records_of(datagram):
            if record[0] != REPORT_TYPE:
                term = HEARTBEAT.unpack(record)[7]
                if term not in named:
                    named.append(term)
    return found


def check_silent(datagrams: Iterable[Datagram], term: int, after: float) -> None:
    """The leader of a term has sent no report after a time."""
    datagrams = list(datagrams)
    sources = {source for source, terms in terms_of(datagrams).items() if term in terms}
    for datagram in datagrams:
        if datagram.source in sources and datagram.at > after:
            reports = [record for record in records_of(datagram) if record[0] == REPORT_TYPE]
            check(
                not reports, f"the leader of term {term} sent {len(reports)} reports {datagram.at - after:.3f} s late"
            )


# ---------------------------------------------------------------------- nodes


def check_journal(history: History, commands: Array, who: str) -> None:
    """The commands of a journal are the first of the history."""
    expected = history.commands[: len(commands)]
    check(len(commands) <= len(history.commands), f"{who} has {len(commands)} commands, not {len(history.commands)}")
    check(np.array_equal(commands, expected), f"{who} differs from the history")


NEW, CANCEL, REPLACE = int(CommandType.NEW_ORDER), int(CommandType.CANCEL_ORDER), int(CommandType.REPLACE_ORDER)
