"""``make profile`` names what is missing in one line, and draws the stacks of a real server."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from benchmarks import profile


def test_a_missing_perf_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    ran = CliRunner().invoke(profile.main, [])
    assert ran.exit_code == 1
    assert ran.output == "Error: perf is missing: install it (Debian: apt install linux-perf)\n"


def test_a_perf_that_may_not_look_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, body in (("perf", "echo 'No permission to enable cpu-clock' >&2; exit 255"), ("addr2line", "exit 0")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ran = CliRunner().invoke(profile.main, [])
    assert ran.exit_code == 1
    assert "No permission to enable cpu-clock" in ran.output
    assert "kernel.perf_event_paranoid" in ran.output


def test_a_path_that_perf_cannot_read_is_named() -> None:
    with pytest.raises(click.ClickException, match="perf cannot name modules in /a place/ö: move the repository"):
        profile.check_machine(Path("/a place/ö"))


@pytest.mark.compiled
def test_a_server_is_sampled(tmp_path: Path) -> None:
    pytest.importorskip("flameprof")
    try:
        profile.check_machine()
    except click.ClickException as missing:
        pytest.skip(missing.message)
    arguments = ["--rate", "50000", "--seconds", "1", "--sessions", "2", "--directory", str(tmp_path / "disk")]
    ran = CliRunner().invoke(profile.main, [*arguments, "--out", str(tmp_path / "flame.svg")])
    assert ran.exit_code == 0, ran.output
    picture = (tmp_path / "flame.svg").read_text(encoding="utf-8")
    assert "event loop" in picture
    assert "exchange/io/loop.py Gateway" in picture
    assert list((tmp_path / "disk").iterdir()) == []
