"""Headless Chromium of Debian, for tests and pictures of the live page."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

#: Shown if there is no browser.
MISSING = "needs Debian's packages chromium and chromium-driver: apt install chromium chromium-driver"

#: Headless, without its sandbox (it may run as root), and without connections to other hosts.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-device-scale-factor=1",
)

#: Limit for one request to the browser.
PATIENCE_S = 30.0


class Browser(Chrome):
    """A browser with an empty, temporary profile."""

    def __init__(self, profile: str) -> None:
        assert CHROMIUM is not None
        assert DRIVER is not None
        options = ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        super().__init__(options=options, service=Service(DRIVER))
        self.set_page_load_timeout(PATIENCE_S)
        self.set_script_timeout(PATIENCE_S)

    def shape(self, width: int, height: int, *, theme: str = "light", motion: str = "no-preference") -> None:
        """Set the window size in pixels and the user's preferences."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def asked_for(self) -> list[str]:
        """Return the URLs that pages requested since the last call, including WebSockets."""
        found = []
        for entry in self._log("performance"):
            event: dict[str, Any] = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                found.append(event["params"]["request"]["url"])
            elif event["method"] == "Network.webSocketCreated":
                found.append(event["params"]["url"])
        return found

    def complaints(self) -> list[str]:
        """Return the messages on the console since the last call."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        """Return the entries of a log since the last call."""
        found: list[dict[str, Any]] = self.get_log(kind)  # type: ignore[no-untyped-call]
        return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser and quit it at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="pricetime-browser-", ignore_cleanup_errors=True) as profile:
        made = Browser(profile)
        try:
            yield made
        finally:
            made.quit()
