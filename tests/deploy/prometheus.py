"""A real Prometheus, in a process of its own and a folder that goes with it, configured as deploy/prometheus says."""

import json
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from pricetime.load.server import lasting_port

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"

#: How long it may take to start, to answer, and to end.
PATIENCE_S = 60.0


class Prometheus:
    """Scrapes the metrics of one port every 0.5 s. A context manager; skips the test where it is not installed."""

    def __init__(self, folder: Path, metrics_port: int) -> None:
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("Prometheus is not installed (Debian: apt install prometheus)")
        self.target = f"127.0.0.1:{metrics_port}"
        shutil.copy(FOLDER / "alerts.yml", folder)
        (folder / "prometheus.yml").write_text(self._settings(), encoding="utf-8")
        self.address = f"127.0.0.1:{lasting_port()}"
        options = [
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.address}",
        ]
        self._process = subprocess.Popen(
            [program, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, name="prometheus-log")
        self._reader.start()

    def _settings(self) -> str:
        """The files of the repository, with a different target and short intervals."""
        text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
        changes = {
            "127.0.0.1:7009": self.target,
            "scrape_interval: 5s": "scrape_interval: 500ms",
            "scrape_timeout: 4s": "scrape_timeout: 500ms",
            "evaluation_interval: 5s": "evaluation_interval: 500ms",
        }
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.said.extend(self._process.stdout)

    def __enter__(self) -> Self:
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                pytest.fail("Prometheus did not start: " + "".join(self.said[-10:]))
            time.sleep(0.05)
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """What its API answers, which must be a success."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        assert found["status"] == "success", found
        assert not found.get("warnings"), found
        return found["data"]

    def over_time(self, expression: str, seconds: float) -> list[list[float]]:
        """The values of each series that an expression gave until now, as a panel asks for them."""
        now = time.time()
        data = self.get("query_range", query=expression, start=str(now - seconds), end=str(now), step="1")
        return [[float(value) for _, value in series["values"]] for series in data["result"]]

    def value(self, expression: str) -> float:
        """The one value of an expression, as soon as there is one; there is no value after a failed scrape."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := self.get("query", query=expression)["result"]):
            assert time.monotonic() < deadline, f"{expression} has no value"
            time.sleep(0.1)
        ((_, value),) = (series["value"] for series in found)
        return float(value)
