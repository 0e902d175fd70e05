"""The page of the settings equals the output of its generator, and its examples are valid."""

import re
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

from pricetime.exchange.settings.sources import load
from tools.settings_page import PAGE, page

RUN = PAGE.parents[1] / "operate" / "run.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make settings"


@pytest.mark.parametrize("path", [PAGE, RUN], ids=lambda path: path.name)
def test_the_settings_files_that_are_shown(path: Path, tmp_path: Path) -> None:
    shown = re.findall(r"^```toml\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown
    for text in shown:
        if "[owners." not in text:
            (tmp_path / "shown.toml").write_text(text, encoding="utf-8")
            assert load(tmp_path / "shown.toml").instruments
