"""The protocol of the ring, instruction by instruction, for the model checker; and ways to get it wrong.

As ``src/pricetime/ring/slots.py``: the same loads, stores and fences in the same order. A mutant is a change to that.
"""

from collections.abc import Callable, Sequence

from tests.ring.memory_model import (
    ACQUIRE,
    RELAXED,
    RELEASE,
    Instruction,
    Machine,
    Value,
    exchange,
    fence,
    hold,
    jump,
    label,
    load,
    put,
    read,
    sleep,
    store,
    wake,
    write,
)

#: What each mutant does.
MUTANTS = {
    "publish relaxed": "the store of the tail is relaxed",
    "give back relaxed": "the store of the head is relaxed",
    "look at tail relaxed": "the load of the tail is relaxed",
    "look at head relaxed": "the load of the head is relaxed",
    "publish first": "the tail is stored before the record is written",
    "give back first": "the head is stored before the record is read",
    "one too many": "the producer takes a ring with one slot free for one with two",
    "cached tail as new": "the consumer looks at the tail and then takes for granted that something is there",
    "cached head as new": "the producer looks at the head and then takes for granted that something is free",
    "cached head from tail": "the producer, finding the ring full by what it knows, takes the consumer to be done",
}
BLOCKING_MUTANTS = {
    "no fence of the waker": "the waker looks at the flag without a fence after its cursor",
    "no fence of the sleeper": "the sleeper looks at the cursor without a fence after its flag",
    "no second look": "the sleeper says that it sleeps and does not look again",
    "flag first": "the waker looks at the flag before it stores its cursor",
    "sleep whatever": "the sleeper sleeps without the kernel looking at the flag",
    "no wake-up": "the waker clears the flag and wakes no thread",
    "end unannounced": "closing wakes no thread",
    "end looked at last": "the consumer looks whether the ring is closed after it has found nothing",
    "end relaxed": "the store that closes the ring is relaxed",
}


#: Registers of a thread. tail and head: its own cursor; known: the other's as last read; n: records of this batch.
REGISTERS = ("tail", "head", "known", "first", "n", "i", "flag", "closed", "sleeps")


def ring(
    capacity: int,
    records: int,
    *,
    batch: int = 1,
    sleeps: int = 0,
    start: int = 0,
    closes: bool = True,
    mutant: str = "",
) -> Machine:
    """A producer of so many records, and a consumer that reads them all.

    ``sleeps``: how often each side may go to sleep before it only spins; 0: the ring is not blocking. ``start``: where
    both cursors begin. ``closes``: the producer closes the ring in the end, and the consumer stops at that; else it
    stops when it has them all.
    """
    assert not mutant or mutant in MUTANTS | BLOCKING_MUTANTS
    blocking = sleeps > 0
    registers = dict.fromkeys(REGISTERS, 0) | dict.fromkeys(("tail", "head", "known", "first"), start)
    return Machine(
        programs={
            "producer": producer(capacity, records, batch, blocking, closes, mutant),
            "consumer": consumer(records, batch, blocking, closes, mutant),
        },
        atomics={"tail": start, "head": start, "closed": 0, "producer_waits": 0, "consumer_waits": 0},
        slots=capacity,
        start=registers | {"sleeps": sleeps},
    )


def producer(
    capacity: int, records: int, batch: int, blocking: bool, closes: bool, mutant: str
) -> Sequence[Instruction]:
    look = load("head", "known", RELAXED if mutant == "look at head relaxed" else ACQUIRE)
    room = capacity + 1 if mutant == "one too many" else capacity
    publish = store("tail", lambda r: r["tail"] + r["n"], RELAXED if mutant == "publish relaxed" else RELEASE)
    fill = each(lambda half: write(half, lambda r: r["tail"] + r["i"], lambda r: r["tail"] + r["i"]))
    commit = [publish, *look_at_flag("consumer", blocking, mutant)]
    if mutant == "flag first":
        commit.reverse()
    return [
        label("next"),
        jump("done", lambda r: r["tail"] == r["first"] + records),
        put("n", lambda r: min(batch, r["first"] + records - r["tail"])),
        jump("claimed", lambda r: room - (r["tail"] - r["known"]) >= r["n"]),
        put("known", lambda r: r["tail"]) if mutant == "cached head from tail" else look,
        jump("claimed", lambda _: mutant == "cached head as new"),
        put("n", lambda r: min(r["n"], room - (r["tail"] - r["known"]))),
        jump("claimed", lambda r: r["n"] > 0),
        *nap("producer", look, lambda r: room - (r["tail"] - r["known"]) > 0, mutant),
        jump("next"),
        label("claimed"),
        *(commit + fill if mutant == "publish first" else fill + commit),
        put("tail", lambda r: r["tail"] + r["n"]),
        *wake_up("consumer", "commit", mutant),
        jump("next"),
        label("done"),
        jump("closed", lambda _: not closes),
        store("closed", lambda _: 1, RELAXED if mutant == "end relaxed" else RELEASE),
        jump("closed", lambda _: mutant == "end unannounced"),
        *look_at_flag("consumer", blocking, mutant),
        *wake_up("consumer", "close", mutant),
        label("closed"),
    ]


def consumer(records: int, batch: int, blocking: bool, closes: bool, mutant: str) -> Sequence[Instruction]:
    look = load("tail", "known", RELAXED if mutant == "look at tail relaxed" else ACQUIRE)
    give_back = store("head", lambda r: r["head"] + r["n"], RELAXED if mutant == "give back relaxed" else RELEASE)
    use = each(lambda half: read(half, lambda r: r["head"] + r["i"], lambda r: r["head"] + r["i"]))
    release = [give_back, *look_at_flag("producer", blocking, mutant)]
    if mutant == "flag first":
        release.reverse()
    is_closed = load("closed", "closed", ACQUIRE)
    late = mutant == "end looked at last"
    return [
        label("next"),
        jump("done", lambda r: not closes and r["head"] == r["first"] + records),
        put("n", lambda _: batch),
        *([] if late else [is_closed]),
        jump("peeked", lambda r: r["known"] - r["head"] >= r["n"]),
        look,
        jump("peeked", lambda _: mutant == "cached tail as new"),
        put("n", lambda r: min(r["n"], r["known"] - r["head"])),
        jump("peeked", lambda r: r["n"] > 0),
        *([is_closed] if late else []),
        jump("done", lambda r: r["closed"]),
        *nap("consumer", look, lambda r: r["known"] - r["head"] > 0, mutant),
        jump("next"),
        label("peeked"),
        *(release + use if mutant == "give back first" else use + release),
        put("head", lambda r: r["head"] + r["n"]),
        *wake_up("producer", "release", mutant),
        jump("next"),
        label("done"),
        hold("that every record has been read", lambda r: r["head"] == r["first"] + records),
    ]


def each(touch: Callable[[int], Instruction]) -> list[Instruction]:
    """Both halves of each record of a batch."""
    return [
        put("i", lambda _: 0),
        label("each"),
        touch(0),
        touch(1),
        put("i", lambda r: r["i"] + 1),
        jump("each", lambda r: r["i"] < r["n"]),
        put("i", lambda _: 0),
    ]


def nap(who: str, look: Instruction, found: Value, mutant: str) -> list[Instruction]:
    """``sleep_until_free``, ``sleep_until_readable``: as long as there are sleeps left."""
    waits = f"{who}_waits"
    again = [look, jump("awake", found), load("closed", "flag", ACQUIRE), jump("awake", lambda r: r["flag"])]
    return [
        jump("next", lambda r: r["sleeps"] == 0),
        put("sleeps", lambda r: r["sleeps"] - 1),
        store(waits, lambda _: 1),
        *([] if mutant == "no fence of the sleeper" else [fence()]),
        *([] if mutant == "no second look" else again),
        sleep(waits, whatever=mutant == "sleep whatever"),
        label("awake"),
        store(waits, lambda _: 0),
        put("flag", lambda _: 0),
    ]


def look_at_flag(whose: str, blocking: bool, mutant: str) -> list[Instruction]:
    if not blocking:
        return []
    return [*([] if mutant == "no fence of the waker" else [fence()]), load(f"{whose}_waits", "flag")]


def wake_up(whom: str, name: str, mutant: str) -> list[Instruction]:
    return [
        jump(f"quiet {name}", lambda r: r["flag"] == 0),
        exchange(f"{whom}_waits", 0),
        *([] if mutant == "no wake-up" else [wake(whom)]),
        label(f"quiet {name}"),
        put("flag", lambda _: 0),
    ]
