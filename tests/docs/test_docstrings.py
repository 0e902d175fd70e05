"""Every public name has a docstring, and every call says what it returns, as the site reads them."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import pricetime

griffe = pytest.importorskip("griffe", reason="needs griffe, which reads sources: pip install '.[docs]'")

SOURCE = Path(pricetime.__file__).parents[1]

#: Modules and classes whose names are for users.
PUBLIC = [
    "core.book_view.BookView", "core.order_book.OrderBook", "core.engine.Engine", "core.instrument",
    "core.builder.BookBuilder", "core.snapshot",
    "client.subscriber.Subscriber", "client.client.Client", "client.order_entry.OrderEntry",
    "client.future.CommandFuture", "client.future.OrderFuture",
    "types", "errors", "extras", "depth", "prices", "explanation", "standing",
    "log.order_replay.OrderReplay", "log.order_replay.Wanted", "client.owner_history.OwnerHistory",
    "frames.commands", "frames.reports", "frames.depth", "frames.top", "frames.errors",
    "tape.events", "client.instruments",
    "client.order_result", "wire.report", "client.async_client.AsyncClient", "client.feed_state",
    "client.errors", "ring.ring.Ring", "ring.idle.Idle",
    "tape.flow.base", "tape.flow.market", "tape.flow.paired",
    "tape.flow.presets", "tape.flow.stream",
    "core.passive_book.PassiveBook", "tape.mbo", "tape.skipped",
    "tape.formats", "tape.replay", "tape.outcome", "tape.file",
    "farm.errors", "farm.farm", "farm.grid", "farm.journal_replay", "farm.journals", "farm.result", "farm.script",
    "farm.store", "farm.work",
    "native.histogram", "native.latency", "native.hlog", "load.load", "load.plan",
    "load.run_file", "load.server", "load.following",
]  # fmt: skip

#: For compiled callers, which read the schema: not Python's.
FOR_COMPILED = {"claimed", "claimed_run", "peeked", "peeked_run", "is_closed", "end"}


@pytest.fixture(scope="module")
def package() -> griffe.Module:  # type: ignore[name-defined] # griffe may be missing
    return griffe.load("pricetime", search_paths=[SOURCE], allow_inspection=False)


def undocumented(thing: griffe.Object) -> list[str]:  # type: ignore[name-defined]
    """The public calls, properties and classes of a class or module that have no docstring."""
    found = [] if thing.docstring else [thing.path]
    for name, member in thing.members.items():
        if name.startswith("_") or name in FOR_COMPILED or member.is_alias:
            continue
        if member.is_class:
            found += undocumented(member)
        elif (member.is_function or "property" in member.labels) and not member.docstring:
            found.append(member.path)
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_says_what_it_is(package: griffe.Module, name: str) -> None:  # type: ignore[name-defined]
    assert undocumented(package[name]) == []


RAISES = ["core.order_book.OrderBook", "core.engine.Engine", "core.passive_book.PassiveBook", "ring.ring.Ring"]


@pytest.mark.parametrize("name", RAISES)
def test_a_class_says_what_its_making_raises(package: griffe.Module, name: str) -> None:  # type: ignore[name-defined]
    thing = package[name]
    made = thing.members.get("__init__")
    assert "Raises" in thing.docstring.value + (made.docstring.value if made and made.docstring else "")


STEPS = [
    "core.book_view.BookView", "core.order_book.OrderBook", "core.engine.Engine", "core.builder.BookBuilder",
    "core.passive_book.PassiveBook",
]  # fmt: skip

#: Of the engine's and the builder's own parts.
INSIDE = {"enter", "leave", "known", "make_room", "take_reports", "apply_run"}


@pytest.mark.parametrize("name", STEPS)
def test_a_call_of_the_core_says_what_it_costs(package: griffe.Module, name: str) -> None:  # type: ignore[name-defined]
    calls = [m for n, m in package[name].members.items() if not n.startswith("_") and n not in INSIDE and m.docstring]
    assert calls
    assert [call.path for call in calls if not any(word in call.docstring.value for word in ("O(", "steps"))] == []


#: Modules whose docstrings have examples, which are fenced so that the site shows them as code.
EXAMPLES = ["depth", "prices", "frames.commands", "frames.depth", "frames.reports"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of(name: str) -> None:
    pytest.importorskip("narwhals", reason="needs the package narwhals: pip install '.[frames]'")
    pytest.importorskip("polars", reason="the examples use polars")
    path = SOURCE / "pricetime" / f"{name.replace('.', '/')}.py"
    text = re.sub(r"^ *```.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)  # else it ends the output
    names = vars(importlib.import_module(f"pricetime.{name}")).copy()
    examples = doctest.DocTestParser().get_doctest(text, names, name, str(path), 0)
    assert examples.examples
    said: list[str] = []
    assert not doctest.DocTestRunner().run(examples, out=said.append).failed, "".join(said)


def test_what_says_nothing_is_found() -> None:
    module = griffe.visit("shown", Path("shown.py"), "class Mute:\n    def speak(self): ...\n")
    assert undocumented(module) == ["shown", "shown.Mute", "shown.Mute.speak"]
