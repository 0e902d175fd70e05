"""The page of a cluster's settings equals the output of its generator, and its example is valid."""

import re
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

from pricetime.cluster.settings import load
from tools.cluster_page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make settings"


def test_the_file_that_is_shown(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", page(), re.MULTILINE | re.DOTALL)
    (tmp_path / "cluster.toml").write_text(shown, encoding="utf-8")
    assert load(tmp_path / "cluster.toml").names == ("main",)
