"""Scripts: what is wrong with one is said in one line."""

from pathlib import Path

import pytest

from pricetime.farm.errors import InvalidScript
from pricetime.farm.script import Script
from tests.farm.made import script, script_in


def test_numbers_of_numpy_become_numbers(tmp_path: Path) -> None:
    made = script(
        tmp_path,
        """
        import numpy as np
        def run(n):
            return {"sum": np.arange(n).sum(), "all": np.arange(n), "text": "x", "none": None}
        """,
    )
    assert made.call(n=3) == {"sum": 3, "all": [0, 1, 2], "text": "x", "none": None}


def test_a_module_beside_it_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "beside_the_script.py").write_text("VALUE = 5")
    assert script(tmp_path, "import beside_the_script as b\ndef run(): return {'v': b.VALUE}").call() == {"v": 5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def run(:", "cannot be loaded: .*SyntaxError|cannot be loaded"),
        ("import no_such_module_at_all", "cannot be loaded: ModuleNotFoundError.*line 1"),
        ("def walk(): pass", "has no function run"),
        ("run = 5", "has no function run"),
    ],
)
def test_one_that_cannot_be_loaded(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidScript, match=said):
        script(tmp_path, text)


@pytest.mark.parametrize(("returned", "said"), [("5", "returned int, not a dict"), ("{'a': object()}", "a object")])
def test_a_result_that_is_not_json(tmp_path: Path, returned: str, said: str) -> None:
    with pytest.raises(InvalidScript, match=said):
        script(tmp_path, f"def run(): return {returned}").call()


def test_parameters_that_it_does_not_take(tmp_path: Path) -> None:
    made = script(tmp_path, "def run(a, b=1): return {}")
    made.check({"a": 1})
    with pytest.raises(InvalidScript, match="run cannot be called with c"):
        made.check({"c": 1})


def test_its_text_determines_its_digest(tmp_path: Path) -> None:
    one = script(tmp_path, "def run(): return {}")
    two = Script.load(script_in(tmp_path, "def run(): return {'a': 1}"))
    assert one.digest != two.digest
    assert one.digest == Script("elsewhere.py", one.text).digest
