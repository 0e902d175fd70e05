"""A case: the settings of the books and the steps, as a file that can be played again, and made smaller."""

import json
import random
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from pricetime import COMMAND, OrderBook, OwnerLimits
from pricetime.reference import ReferenceBook
from tests.books import as_command, play, reports_of, state
from tests.fuzz.flow import random_settings, random_steps
from tests.properties.side_by_side import SideBySide


@dataclass
class Case:
    settings: dict[str, Any]
    steps: list[Any]

    @classmethod
    def draw(cls, seed: int, count: int) -> Self:
        rng = random.Random(seed)
        case = cls(random_settings(rng), [])
        book = ReferenceBook(**case.settings)
        for step in random_steps(rng, count, book):
            play(book, step)
            case.steps.append(step)
        return case

    @classmethod
    def load(cls, path: Path) -> Self:
        stored = json.loads(path.read_text(encoding="utf-8"))
        limits = {owner: OwnerLimits(*given) for owner, given in stored["settings"].pop("limits", [])}
        return cls(stored["settings"] | {"limits": limits}, [(method, given) for method, given in stored["steps"]])

    def save(self, path: Path) -> None:
        lines = ",\n".join(json.dumps(step) for step in self.steps)
        limits = [(owner, astuple(given)) for owner, given in self.settings.get("limits", {}).items()]
        settings = json.dumps(self.settings | {"limits": limits})
        path.write_text(f'{{"settings": {settings}, "steps": [\n{lines}\n]}}\n', encoding="utf-8")

    def commands(self) -> np.ndarray[Any, Any]:
        return np.concatenate([np.zeros(0, COMMAND), *map(as_command, self.steps)])

    def play(self, compare_every: int = 1) -> None:
        """Raises AssertionError where the books part from the reference, or from each other in one go."""
        books = SideBySide(**self.settings)
        expected = []
        for number, step in enumerate(self.steps, start=1):
            expected += books.step(step)
            if number % compare_every == 0:
                books.compare()
        books.renew()
        at_once = OrderBook(**self.settings)
        assert reports_of(at_once.apply(self.commands())) == expected, (
            "the commands in one array are answered otherwise"
        )
        assert state(at_once) == state(books.reference)

    def fails(self) -> bool:
        try:
            self.play()
        except AssertionError:
            return True
        return False

    def shrink(self) -> Self:
        """The same failure with as few steps as leaving some out can do."""
        steps = self.steps
        size = len(steps) // 2
        while size:
            start = 0
            while start < len(steps):
                fewer = steps[:start] + steps[start + size :]
                if replace(self, steps=fewer).fails():
                    steps = fewer
                else:
                    start += size
            size //= 2
        return replace(self, steps=steps)
