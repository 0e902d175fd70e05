"""Takes the pictures of the live page in docs/pictures/: ``python -m tools.screenshot``, or ``make screenshot``.

A server of three instruments, a flow of orders in each, a few orders in the sandbox, and Debian's Chromium.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter, sleep

import click
from selenium.webdriver.common.by import By

from pricetime.measure.load import Load
from pricetime.measure.plan import Plan, make_plans
from pricetime.measure.server import ServerProcess
from pricetime.tape.flow import PRESETS
from tools.browser import Browser, browser

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"

INSTRUMENTS = {1: "ACME", 2: "GLOBEX", 3: "INITECH"}
OWNERS, SANDBOX = 12, 60_000

#: Orders a second in each instrument, and how long a turn of one lasts.
RATE, TURN_S = 150, 0.1

#: A quiet book whose mid moves within a minute.
FLOW = replace(PRESETS["balanced"], resting=900, lifetime=120, scale=9, reach=60, moves=0.02)

#: File, width, height and theme of each picture.
SHOTS = (
    ("page-light.png", 1440, 900, "light"),
    ("page-dark.png", 1440, 900, "dark"),
    ("page-phone.png", 390, 844, "dark"),
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=100.0, show_default=True, help="How long the market runs before the pictures.")
@click.option("--out", default=PICTURES, show_default=False, type=click.Path(path_type=Path), help="Their folder.")
@click.option("--tall", is_flag=True, help="The whole page in each, not only what fits a screen.")
def main(seconds: float, out: Path, *, tall: bool) -> None:
    """Run a market and take pictures of its page."""
    out.mkdir(parents=True, exist_ok=True)
    options = [f"--instrument=id={number},symbol={symbol}" for number, symbol in INSTRUMENTS.items()]
    options += ["--open", "--http-port", "0", "--http-owner", str(SANDBOX), "--order-capacity", "100000"]
    with ServerProcess(*options) as server, market(server, seconds + 30) as lasted, browser() as page:
        page.get(f"http://127.0.0.1:{server.last('serving')['http_port']}/")
        page.shape(1440, 900)
        sleep(max(0.0, seconds - 5))
        trade(page)
        sleep(5)
        for name, width, height, theme in SHOTS:
            page.shape(width, height, theme=theme)
            if tall:
                whole = int(page.execute_script("return document.documentElement.scrollHeight"))
                page.shape(width, whole, theme=theme)
            sleep(0.5)
            page.save_screenshot(str(out / name))
            sys.stdout.write(f"{out / name}\n")
        lasted.set()


def trade(page: Browser) -> None:
    """A few orders from the form, some of which trade."""
    bid, ask = page.find_element(By.ID, "touch").text.replace(",", "").split(" / ")
    orders = [("bid", 40, int(bid) - 3), ("ask", 25, int(ask) + 2), ("bid", 12, int(ask)), ("bid", 5, int(bid) - 1)]
    for side, quantity, price in orders:
        script = """
            const fields = document.getElementById("ticket").elements;
            [fields.side.value, fields.quantity.value, fields.price.value] = arguments;
            document.getElementById("ticket").requestSubmit();
        """
        page.execute_script(script, side, str(quantity), str(price))
        sleep(0.3)


@contextmanager
def market(server: ServerProcess, seconds: float) -> Iterator[threading.Event]:
    """Orders in every instrument, in a thread of their own, until the event is set or the time is over."""
    over = threading.Event()
    with Load(server.host, server.port, OWNERS) as load:
        flows = []
        for number in INSTRUMENTS:
            count, chunk = int(RATE * seconds), int(RATE * TURN_S)
            first, plans = make_plans(FLOW, count, OWNERS, instrument=number, seed=number, chunk=chunk)
            load.send(first, 10 * RATE)  # no quicker, or the latencies would be those of a burst
            flows.append(plans)
        runner = threading.Thread(target=run, args=(load, flows, over), name="market")
        runner.start()
        try:
            yield over
        finally:
            over.set()
            runner.join()


def run(load: Load, flows: list[Iterator[Plan]], over: threading.Event) -> None:
    """A little of each flow in turn."""
    at = perf_counter()
    for plans in zip(*flows, strict=True):
        if over.is_set():
            return
        for plan in plans:
            load.send(plan)
        at += TURN_S
        sleep(max(0.0, at - perf_counter()))


if __name__ == "__main__":
    main()
