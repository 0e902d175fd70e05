"""Makes the pictures of the live page in docs/pictures/: ``python -m tools.screenshot``, or ``make screenshot``.

The pictures show ``pricetime market`` in Debian's Chromium, with some orders from the order form: page-light.png,
page-dark.png and page-phone.png, and market.gif, ten seconds of the page.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep

import click
from PIL import Image
from selenium.webdriver.common.by import By

from pricetime.market.options import Options
from pricetime.market.session import MarketSession
from tools.browser import Browser, browser

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"

#: Size of the page on a desktop, in pixels.
DESKTOP = (1440, 900)

#: File, width, height and theme of each picture.
SHOTS = (
    ("page-light.png", *DESKTOP, "light"),
    ("page-dark.png", *DESKTOP, "dark"),
    ("page-phone.png", 390, 844, "dark"),
)

#: The animated picture: its size and theme, its frames, and the time between two frames.
FILM, FILM_SIZE, FILM_THEME, FRAMES, FRAME_S = "market.gif", (1120, 720), "light", 50, 0.2

#: Colours of a picture.
COLOURS = 128

#: Orders from the form: side, quantity, ticks from the best price of that side, and kind if it is not a limit order.
ORDERS = (("bid", 40, 6), ("ask", 25, 4), ("ask", 12, -4), ("bid", 30, -3), ("ask", 15, -60, "stop"),
          ("bid", 200, -8, "iceberg"))  # fmt: skip

#: Orders that are sent while the film runs: the frame, side, quantity, and ticks from the best price of that side.
FILM_ORDERS = ((8, "bid", 60, 5), (26, "ask", 35, -5), (36, "bid", 20, -2))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=100.0, show_default=True, help="How long the market runs before the pictures.")
@click.option("--out", default=PICTURES, show_default=False, type=click.Path(path_type=Path), help="Their folder.")
@click.option("--seed", default=3, show_default=True, help="Seed of the traders.")
@click.option("--film/--no-film", default=True, help="Make the animated picture too.")
def main(seconds: float, out: Path, seed: int, *, film: bool) -> None:
    """Run a market and take pictures of its page."""
    out.mkdir(parents=True, exist_ok=True)
    with market(seed) as url, browser() as page:
        page.shape(*DESKTOP)
        page.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        page.get(url)
        sleep(seconds / 2)
        for order in ORDERS:
            trade(page, *order)
        sleep(seconds / 2)
        if film:
            write_film(page, out / FILM)
        for name, width, height, theme in SHOTS:
            page.shape(width, height, theme=theme)
            sleep(0.5)
            reduced(take(page)).save(out / name, optimize=True)
            sys.stdout.write(f"{out / name}\n")


@contextmanager
def market(seed: int) -> Iterator[str]:
    """The address of the page of a market that runs until the block ends."""
    over = threading.Event()
    with MarketSession(Options(seed=seed)) as session:
        thread = threading.Thread(target=session.run, args=(over,), name="market")
        thread.start()
        try:
            yield session.exchange.url
        finally:
            over.set()
            thread.join()


def trade(page: Browser, side: str, quantity: int, ticks: int, kind: str = "") -> None:
    """Send an order from the form. An iceberg displays a tenth of its quantity."""
    best = page.find_elements(By.CSS_SELECTOR, "#markets tr:first-child td")[side == "ask"].text
    price = f"{float(best) + ticks / 100:.2f}"
    fields = {"side": side, "quantity": str(quantity), "price": price, "trigger_price": price}
    fields |= {"type": "stop" if kind == "stop" else "limit"}
    fields |= {"display_quantity": str(quantity // 10) if kind == "iceberg" else ""}
    script = """
        const form = document.getElementById("order-form");
        for (const [name, value] of Object.entries(arguments[0])) form.elements[name].value = value;
        form.dispatchEvent(new Event("input"));
        form.requestSubmit();
    """
    page.execute_script(script, fields)
    sleep(0.3)


def take(page: Browser) -> Image.Image:
    """What the browser shows."""
    return Image.open(io.BytesIO(page.get_screenshot_as_png())).convert("RGB")


def reduced(shot: Image.Image, palette: Image.Image | None = None) -> Image.Image:
    """A picture with few colours, those of ``palette`` if there is one."""
    return shot.quantize(COLOURS, palette=palette, dither=Image.Dither.NONE)


def write_film(page: Browser, file: Path) -> None:
    """Some seconds of the page as a GIF, whose frames share one palette so that unchanged pixels cost nothing."""
    page.shape(*FILM_SIZE, theme=FILM_THEME)
    orders = {frame: order for frame, *order in FILM_ORDERS}
    shots: list[Image.Image] = []
    due = perf_counter()
    for number in range(FRAMES):
        if number in orders:
            trade(page, *orders[number])
        shots.append(take(page))
        due = max(due + FRAME_S, perf_counter())
        sleep(max(0.0, due - perf_counter()))
    palette = reduced(shots[-1])
    frames = [reduced(shot, palette) for shot in shots]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=round(1000 * FRAME_S), loop=0, optimize=True)
    sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
