"""A small model checker: two threads over memory that is as weak as C11 lets it be, every interleaving tried.

A thread is a list of instructions over a few registers. Memory has two kinds of places. An *atomic* one keeps every
value ever stored; a load may get any that is not older than what the thread has seen of this place. Each thread has a
*view*: how far it has seen every place. A release store sends its thread's view along, an acquire load that gets it
joins it; a fence joins the view of all fences before it, and they are joined by all after it. A *plain* place holds
half a record. Touching one without having seen the last write to it, or writing to one without having seen the last
read of it, is a race: undefined in C, a torn record in the machine. So whatever a compiler or a processor may move is
found without modelling any of them.

The views are those of the "promising semantics" without promises; x86 and ARM are stronger. To store a value is one
step, to see it a second: that is what a store buffer does, and more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

RELAXED, ACQUIRE, RELEASE = "relaxed", "acquire", "release"

Registers: TypeAlias = dict[str, int]
Value: TypeAlias = Callable[[Registers], int]
View: TypeAlias = tuple[int, ...]
Place: TypeAlias = tuple[int, tuple[tuple[str, int], ...]]  # in a program, and the registers there


class Instruction(NamedTuple):
    """One of those below. ``place``: in memory, or the other thread; ``to``: a register or a label."""

    kind: str
    place: str = ""
    to: str = ""
    value: Value = lambda _: 0
    slot: Value = lambda _: 0
    order: str = RELAXED


def load(place: str, to: str, order: str = RELAXED) -> Instruction:
    return Instruction("load", place, to, order=order)


def store(place: str, value: Value, order: str = RELAXED) -> Instruction:
    return Instruction("store", place, value=value, order=order)


def exchange(place: str, value: int) -> Instruction:
    return Instruction("exchange", place, value=lambda _: value)


def fence() -> Instruction:
    return Instruction("fence")


def write(half: int, slot: Value, value: Value) -> Instruction:
    """Half of the record in a slot."""
    return Instruction("write", str(half), value=value, slot=slot)


def read(half: int, slot: Value, expected: Value) -> Instruction:
    return Instruction("read", str(half), value=expected, slot=slot)


def sleep(place: str, *, whatever: bool = False) -> Instruction:
    """Sleep on a place if it holds 1, which the kernel looks at in the same step; ``whatever``: without looking."""
    return Instruction("sleep", place, order="whatever" if whatever else RELAXED)


def wake(thread: str) -> Instruction:
    return Instruction("wake", thread)


def put(to: str, value: Value) -> Instruction:
    """Into a register."""
    return Instruction("put", to=to, value=value)


def label(name: str) -> Instruction:
    return Instruction("label", to=name)


def jump(to: str, when: Value = lambda _: 1) -> Instruction:
    return Instruction("jump", to=to, value=when)


def hold(what: str, condition: Value) -> Instruction:
    """What must be true when a thread comes here."""
    return Instruction("hold", what, value=condition)


class Thread(NamedTuple):
    at: int  #: the next instruction
    registers: tuple[tuple[str, int], ...]
    view: View
    asleep: str  #: the place that it sleeps on


class State(NamedTuple):
    threads: tuple[Thread, ...]
    stores: tuple[tuple[tuple[int, View | None], ...], ...]  #: of each atomic place: values, with the view sent along
    plain: tuple[tuple[int, int, int], ...]  #: of each plain place: value, how often written, how often read
    fences: View


class Wrong(Exception):
    """The protocol fails: what is wrong, after the steps that lead there."""


@dataclass
class Machine:
    """Programs by the name of their thread; atomic places with their first values; ``slots`` of two halves each."""

    programs: dict[str, Sequence[Instruction]]
    atomics: dict[str, int]
    slots: int
    start: Registers

    def __post_init__(self) -> None:
        self.names = list(self.programs)
        self.places = {name: i for i, name in enumerate(self.atomics)}
        self.labels = {
            (name, instruction.to): i
            for name, program in self.programs.items()
            for i, instruction in enumerate(program)
            if instruction.kind == "label"
        }
        self.plain = 2 * self.slots
        self.settled: dict[tuple[int, Place], Place] = {}

    def explore(self) -> int:
        """Reach every state: how many there are. Raises Wrong at the first that must not be."""
        nothing: View = (0,) * (len(self.places) + 2 * self.plain)
        registers = tuple(sorted(self.start.items()))
        threads = tuple(self.settle(i, Thread(0, registers, nothing, "")) for i in range(len(self.names)))
        stores = tuple(((value, None),) for value in self.atomics.values())
        first = State(threads, stores, ((-1, 0, 0),) * self.plain, nothing)
        seen, ahead = {first}, [first]
        while ahead:
            state = ahead.pop()
            moves = [after for i in range(len(threads)) for after in self.step(state, i)]
            if not moves and any(self.unfinished(i, thread) for i, thread in enumerate(state.threads)):
                raise Wrong(f"no thread can go on: {self.shown(state)}")
            for after in moves:
                if after not in seen:
                    seen.add(after)
                    ahead.append(after)
        return len(seen)

    def unfinished(self, which: int, thread: Thread) -> bool:
        return thread.at < len(self.programs[self.names[which]])

    def shown(self, state: State) -> str:
        return "; ".join(
            f"{name} {'asleep ' if t.asleep else ''}at {t.at} {dict(t.registers)}"
            for name, t in zip(self.names, state.threads, strict=True)
        )

    def settle(self, which: int, thread: Thread) -> Thread:
        """Go on to the next instruction that touches memory: the other threads cannot see the others."""
        key = which, (thread.at, thread.registers)
        if key not in self.settled:
            self.settled[key] = self._settle(*key)
        at, registers = self.settled[key]
        return thread._replace(at=at, registers=registers)

    def _settle(self, which: int, place: Place) -> Place:
        name, at, registers = self.names[which], place[0], dict(place[1])
        program = self.programs[name]
        while at < len(program) and program[at].kind in {"put", "label", "jump", "hold"}:
            kind, to, value = program[at].kind, program[at].to, program[at].value
            at += 1
            if kind == "hold" and not value(registers):
                raise Wrong(f"{program[at - 1].place} does not hold: {name} with {registers}")
            if kind == "put":
                registers[to] = value(registers)
            elif kind == "jump" and value(registers):
                at = self.labels[name, to]
        return at, tuple(sorted(registers.items()))

    def step(self, state: State, which: int) -> Iterator[State]:
        """Every state that one step of a thread may lead to."""
        thread = state.threads[which]
        if thread.asleep or not self.unfinished(which, thread):
            return
        instruction = self.programs[self.names[which]][thread.at]
        moved = thread._replace(at=thread.at + 1)
        for after, after_thread in getattr(self, f"_{instruction.kind}")(state, moved, instruction):
            threads = list(after.threads)
            threads[which] = self.settle(which, after_thread)
            yield after._replace(threads=tuple(threads))

    def _load(self, state: State, thread: Thread, i: Instruction) -> Iterator[tuple[State, Thread]]:
        place = self.places[i.place]
        for time in range(thread.view[place], len(state.stores[place])):
            value, sent = state.stores[place][time]
            view = seen(thread.view, place, time)
            if i.order == ACQUIRE and sent is not None:
                view = joined(view, sent)
            registers = dict(thread.registers) | {i.to: value}
            yield state, thread._replace(registers=tuple(registers.items()), view=view)

    def _store(self, state: State, thread: Thread, i: Instruction) -> Iterator[tuple[State, Thread]]:
        place = self.places[i.place]
        view = seen(thread.view, place, len(state.stores[place]))
        sent = view if i.order == RELEASE else None
        yield with_store(state, place, i.value(dict(thread.registers)), sent), thread._replace(view=view)

    def _exchange(self, state: State, thread: Thread, i: Instruction) -> Iterator[tuple[State, Thread]]:
        """Sees the newest value, and passes on what was sent along with it."""
        place = self.places[i.place]
        view = seen(thread.view, place, len(state.stores[place]))
        yield with_store(state, place, i.value({}), state.stores[place][-1][1]), thread._replace(view=view)

    def _fence(self, state: State, thread: Thread, _: Instruction) -> Iterator[tuple[State, Thread]]:
        view = joined(thread.view, state.fences)
        yield state._replace(fences=view), thread._replace(view=view)

    def _plain_place(self, thread: Thread, i: Instruction) -> int:
        return 2 * (i.slot(dict(thread.registers)) % self.slots) + int(i.place)

    def _write(self, state: State, thread: Thread, i: Instruction) -> Iterator[tuple[State, Thread]]:
        plain = self._plain_place(thread, i)
        _, writes, reads = state.plain[plain]
        at_writes = len(self.places) + plain
        at_reads = at_writes + self.plain
        if thread.view[at_writes] < writes or thread.view[at_reads] < reads:
            raise Wrong(f"a slot is written while it may be read: {self.shown(state)}")
        view = seen(thread.view, at_writes, writes + 1)
        yield with_plain(state, plain, (i.value(dict(thread.registers)), writes + 1, reads)), thread._replace(view=view)

    def _read(self, state: State, thread: Thread, i: Instruction) -> Iterator[tuple[State, Thread]]:
        plain = self._plain_place(thread, i)
        value, writes, reads = state.plain[plain]
        at_writes = len(self.places) + plain
        if thread.view[at_writes] < writes:
            raise Wrong(f"a slot is read while it may be written: {self.shown(state)}")
        if value != i.value(dict(thread.registers)):
            raise Wrong(f"a slot holds {value}, the wrong record: {self.shown(state)}")
        view = seen(thread.view, at_writes + self.plain, reads + 1)
        yield with_plain(state, plain, (value, writes, reads + 1)), thread._replace(view=view)

    def _sleep(self, state: State, thread: Thread, i: Instruction) -> Iterator[tuple[State, Thread]]:
        place = self.places[i.place]
        view = seen(thread.view, place, len(state.stores[place]) - 1)
        asleep = i.order == "whatever" or state.stores[place][-1][0] == 1
        yield state, thread._replace(view=view, asleep=i.place if asleep else "")

    def _wake(self, state: State, thread: Thread, i: Instruction) -> Iterator[tuple[State, Thread]]:
        other = self.names.index(i.place)
        threads = list(state.threads)
        threads[other] = threads[other]._replace(asleep="")
        yield state._replace(threads=tuple(threads)), thread


def seen(view: View, place: int, time: int) -> View:
    return (*view[:place], max(view[place], time), *view[place + 1 :])


def joined(one: View, other: View) -> View:
    return tuple(map(max, one, other))


def with_store(state: State, place: int, value: int, sent: View | None) -> State:
    stores = list(state.stores)
    stores[place] = (*stores[place], (value, sent))
    return state._replace(stores=tuple(stores))


def with_plain(state: State, plain: int, cell: tuple[int, int, int]) -> State:
    return state._replace(plain=(*state.plain[:plain], cell, *state.plain[plain + 1 :]))
