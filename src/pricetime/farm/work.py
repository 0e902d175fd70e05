"""Work for the farm: tasks, results that are there already, repetitions, and the comparison of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .parts import LEAST, joined, split
from .result import Incident, Result
from .store import Store, key_of
from .task import Task

#: Performs tasks and yields the place of each in the sequence with its result, as they end: ``Farm.perform``.
Perform = Callable[[Sequence[Task]], Iterator[tuple[int, Result]]]


class Work:
    """Performs tasks, and collects their results and the incidents: different results for one input.

    ``store``: new results are appended to it and compared with those in it. A task that has a result without errors in
    it is not performed, unless ``again``. ``repeat``: how often each task is performed. ``least``: a journal is
    verified in parts of at least so many commands, if it has snapshots between them.
    """

    def __init__(
        self, perform: Perform, *, store: Store | None = None, again: bool = False, repeat: int = 1, least: int = LEAST
    ) -> None:
        self.incidents: list[Incident] = []
        self._perform = perform
        self._store = store
        self._again = again
        self._repeat = repeat
        self._least = least
        self._known = {result.input: result for result in (store.results if store else []) if not result.errors}

    def count(self, tasks: Sequence[Task]) -> int:
        """Return how many tasks are to be performed, each repetition counted."""
        return self._stored(tasks).count(None) * self._repeat

    def run(self, tasks: Sequence[Task], *, progress: Callable[[int], object] = lambda _: None) -> list[Result]:
        """Return the result of each task, in order; with ``repeat``, that of its last repetition. Raises OSError.

        ``progress`` is called with 1 for each that was performed.
        """
        found = self._stored(tasks)
        left = [place for place, result in enumerate(found) if result is None]
        for _ in range(self._repeat if left else 0):
            for at, result in self._performed([tasks[place] for place in left]):
                self._take(result)
                found[left[at]] = result
                progress(1)
        return [result for result in found if result is not None]

    def _stored(self, tasks: Sequence[Task]) -> list[Result | None]:
        if self._store is None or self._again:
            return [None] * len(tasks)
        done = self._store.done()
        return [done.get(key_of(task.given)) for task in tasks]

    def _performed(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
        """Yield the place and the result of each task, as they end: of a long journal, in parts."""
        pieces = [split(task, self._least) for task in tasks]
        owners = [(place, number) for place, parts in enumerate(pieces) for number in range(len(parts))]
        results: list[list[Result | None]] = [[None] * len(parts) for parts in pieces]
        failed: list[int] = []
        for at, result in self._perform([part for parts in pieces for part in parts]):
            place, number = owners[at]
            results[place][number] = result
            ended = [part for part in results[place] if part is not None]
            if len(ended) < len(pieces[place]):
                continue
            if (whole := joined(tasks[place], ended)) is not None:
                yield place, whole
            else:
                failed.append(place)
        if failed:  # the whole journal says what is wrong, as without parts
            for at, result in self._perform([tasks[place] for place in failed]):
                yield failed[at], result

    def _take(self, result: Result) -> None:
        """Store a new result and compare it with an earlier one of the same input."""
        if self._store is not None:
            self._store.add(result)
        if result.errors:
            return
        before = self._known.setdefault(result.input, result)
        if result.differs_from(before):
            self.incidents.append(Incident(before, result))


def in_this_process(tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
    """Perform tasks one after the other, without Ray."""
    yield from ((place, task.perform()) for place, task in enumerate(tasks))
