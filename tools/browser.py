"""Drives Debian's Chromium without a screen, for tests and pictures of the live page."""

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

#: Why a test is skipped if there is no browser, and what to install.
MISSING = "needs Debian's packages chromium and chromium-driver: apt install chromium chromium-driver"

#: No screen; no sandbox of the browser's own, so that it can run as root; no connections to the internet.
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

#: How long loading a page or running a script may take.
PATIENCE_S = 30.0


class Browser(Chrome):
    """A browser with the profile in a folder. ``browser`` makes one with a new profile."""

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
        """Set the size of the page in pixels, and the preferences of its reader."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def asked_for(self) -> list[str]:
        """The addresses that pages have requested since the last call, including WebSockets."""
        found = []
        for entry in self._log("performance"):
            event: dict[str, Any] = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                found.append(event["params"]["request"]["url"])
            elif event["method"] == "Network.webSocketCreated":
                found.append(event["params"]["url"])
        return found

    def complaints(self) -> list[str]:
        """The console's messages since the last call."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        """The entries of a log since the last call."""
        found: list[dict[str, Any]] = self.get_log(kind)  # type: ignore[no-untyped-call]
        return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with an empty profile. Both are removed when the block ends."""
    with tempfile.TemporaryDirectory(prefix="pricetime-browser-", ignore_cleanup_errors=True) as profile:
        made = Browser(profile)
        try:
            yield made
        finally:
            made.quit()
