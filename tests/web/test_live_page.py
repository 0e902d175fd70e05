"""The page in a real browser: it shows and follows the engine's book, trades, and connects again after a break."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("selenium", reason="needs selenium: pip install '.[test]'")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from pricetime.client.client import Client
from pricetime.load.server import lasting_port
from pricetime.market.operator import request
from pricetime.types import Side
from tests.web.served import SANDBOX, Page, page
from tools.browser import CHROMIUM, DRIVER, MISSING, PATIENCE_S, Browser, browser

pytestmark = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason=MISSING)

TWO = (
    "--open", "--http-owner", str(SANDBOX),
    "--instrument", "id=1,symbol=ABC", "--instrument", "id=2,symbol=XYZ,price_unit=0.25",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Page]:
    with page(*TWO) as running:
        yield running


@pytest.fixture
def shown(chromium: Browser, shared: Page) -> Iterator[Browser]:
    """The page, newly loaded. After the test the console must be empty, and only the server was contacted."""
    chromium.complaints()
    chromium.asked_for()
    chromium.shape(1440, 900)
    chromium.get(f"http://{shared.address}/")
    until(lambda: is_ready(chromium))
    yield chromium
    assert chromium.complaints() == []
    assert {urlsplit(address).netloc for address in chromium.asked_for()} == {shared.address}


@pytest.fixture
def trader(shared: Page) -> Iterator[Client]:
    """A client whose orders are cancelled when the test ends."""
    with Client(shared.server.host, shared.server.port, owner=5) as client:
        yield client


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition was never met"
        time.sleep(0.02)


def is_ready(page: Browser) -> bool:
    """Whether the page is live and the sandbox logged in."""
    return text(page, "status") == "live" and page.find_element(By.ID, "send").is_enabled()


def text(page: Browser, name: str) -> str:
    return str(page.execute_script("return document.getElementById(arguments[0]).textContent", name))


def table(page: Browser, name: str) -> list[list[str]]:
    """The cells of the rows that are not empty."""
    script = "return [...document.getElementById(arguments[0]).rows].map(row => [...row.cells].map(c => c.textContent))"
    rows: list[list[str]] = page.execute_script(script, name)
    return [[cell.strip() for cell in row] for row in rows if any(row)]


def own(page: Browser) -> list[list[str]]:
    """The orders of the sandbox: side, number and instrument, how much has traded, and the status."""
    return [[row[0], row[2], row[3]] for row in table(page, "own") if len(row) > 1]


def send(page: Browser, quantity: int, price: float) -> None:
    """Fill in quantity and price, and send the form."""
    form = page.find_element(By.ID, "order-form")
    for name, value in (("quantity", quantity), ("price", price)):
        form.find_element(By.NAME, name).clear()
        form.find_element(By.NAME, name).send_keys(str(value))
    form.find_element(By.ID, "send").click()


def press(page: Browser, *keys: str) -> None:
    """Press keys in the element that has the focus."""
    for key in keys:
        page.switch_to.active_element.send_keys(key)


def focused(page: Browser) -> str:
    script = "const e = document.activeElement; return e.id || e.name || e.className || e.tagName"
    return str(page.execute_script(script))


# ---------------------------------------------------------------------- the market


def test_it_shows_the_book_that_the_engine_has_and_follows_it(shown: Browser, trader: Client) -> None:
    orders = [(1, Side.BID, 1000, 5), (2, Side.BID, 1000, 7), (3, Side.BID, 998, 1), (4, Side.ASK, 1003, 2500)]
    for number, side, price, quantity in orders:
        trader.add_order(number, side, price, quantity).result(PATIENCE_S)
    until(lambda: table(shown, "bids") == [["2", "12", "1,000"], ["1", "1", "998"]])
    until(lambda: table(shown, "asks") == [["1", "2,500", "1,003"]])
    until(lambda: text(shown, "spread") == "Spread 3")
    assert text(shown, "touch") == "1,000 / 1,003"
    assert table(shown, "markets")[0][1:3] == ["1,000", "1,003"]
    trader.cancel_order(2).result(PATIENCE_S)
    until(lambda: table(shown, "bids")[0] == ["1", "5", "1,000"])
    trader.add_order(9, Side.BID, 1003, 100).result(PATIENCE_S)
    until(lambda: table(shown, "tape") and table(shown, "tape")[0][1:] == ["100", "1,003"])
    until(lambda: table(shown, "asks") == [["1", "2,400", "1,003"]])
    until(lambda: any(row[0] == "5" for row in table(shown, "sessions")))
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", table(shown, "tape")[0][0])
    until(lambda: table(shown, "latency") and "order received to reports sent" in table(shown, "latency")[0][0])
    assert re.fullmatch(r"[\d.]+ [mµn]?s", table(shown, "latency")[0][2])


def test_the_charts_are_drawn(shown: Browser, trader: Client) -> None:
    trader.add_order(1, Side.BID, 1000, 5).result(PATIENCE_S)
    trader.add_order(2, Side.ASK, 1010, 9).result(PATIENCE_S)
    inked = """
        const canvas = document.getElementById(arguments[0]);
        const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, 0, 0);
        const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
        return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    """
    for name in ("mid", "depth"):
        until(lambda name=name: shown.execute_script(inked, name) > 500)  # type: ignore[misc]
    until(lambda: text(shown, "mid-now") == "1,005")
    until(lambda: text(shown, "depth-now") == "5 / 9")


def test_an_empty_book_says_so(shown: Browser) -> None:
    assert text(shown, "spread") == "No bids or asks yet"


def test_the_history_is_there_after_a_reload(shown: Browser, shared: Page, trader: Client) -> None:
    trader.add_order(1, Side.BID, 1000, 5).result(PATIENCE_S)
    trader.add_order(2, Side.ASK, 1000, 3).result(PATIENCE_S)
    until(lambda: table(shown, "tape") and table(shown, "tape")[0][1:] == ["3", "1,000"])
    trade = table(shown, "tape")[0]
    shown.get("about:blank")
    time.sleep(2)  # seconds in which no page is open
    shown.get(f"http://{shared.address}/")
    until(lambda: is_ready(shown))
    until(lambda: trade in table(shown, "tape"))
    until(lambda: re.search(r"[1-9][\d,]* traded", str(shown.find_element(By.ID, "mid").get_attribute("aria-label"))))


def test_another_instrument_with_decimals(shown: Browser, trader: Client) -> None:
    trader.add_order(1, Side.BID, 77, 5, instrument=2).result(PATIENCE_S)
    shown.find_element(By.CSS_SELECTOR, "input[name=instrument][value='2']").click()
    until(lambda: table(shown, "bids") == [["1", "5", "19.25"]])
    assert text(shown, "symbol") == "XYZ"
    assert text(shown, "spread") == "No asks"
    until(lambda: shown.title == "XYZ 19.25 / \N{EN DASH}")
    send(shown, 2, 19.3)
    until(lambda: text(shown, "says") == "price '19.3' is not a multiple of 0.25: give 19.25 or 19.50")
    price = shown.find_element(By.CSS_SELECTOR, "#order-form [name=price]")
    shown.find_element(By.CSS_SELECTOR, "#bids td:last-child").click()
    assert price.get_attribute("value") == "19.25"
    price.send_keys(Keys.ARROW_UP)
    assert price.get_attribute("value") == "19.50"
    shown.find_element(By.CSS_SELECTOR, ".sides .bid").click()
    shown.find_element(By.ID, "send").click()
    until(lambda: table(shown, "bids")[0] == ["1", "2", "19.50"])
    shown.find_element(By.ID, "cancel-all").click()
    until(lambda: table(shown, "bids") == [["1", "5", "19.25"]])


def test_numbers_beyond_those_of_javascript_are_shown_to_the_last_digit(shown: Browser, trader: Client) -> None:
    trader.add_order(1, Side.BID, 2**62 + 1, 2**60 + 1).result(PATIENCE_S)
    until(lambda: table(shown, "bids") == [["1", f"{2**60 + 1:,}", f"{2**62 + 1:,}"]])


# ---------------------------------------------------------------------- orders


def test_an_order_from_the_page_rests_trades_and_is_cancelled(shown: Browser, trader: Client) -> None:
    form = shown.find_element(By.ID, "order-form")
    send(shown, 10, 500)
    until(lambda: own(shown)[:1] and own(shown)[0][1:] == ["0 / 10", "resting"])
    until(lambda: table(shown, "bids") == [["1", "10", "500"]])
    until(lambda: shown.execute_script("return document.querySelector('#bids tr').className") == "mine")
    trader.add_order(1, Side.ASK, 500, 4).result(PATIENCE_S)
    until(lambda: own(shown)[0][1:] == ["4 / 10", "resting"])
    until(lambda: re.search(r"Buy order \d+: resting; 4 of 10 traded, last at 500", text(shown, "says")))
    until(lambda: table(shown, "tape") and table(shown, "tape")[0][1:] == ["4", "500"])
    shown.find_element(By.CSS_SELECTOR, "#own button").click()
    until(lambda: own(shown)[0][2] == "cancelled")
    until(lambda: table(shown, "bids") == [])
    trader.add_order(2, Side.ASK, 501, 3).result(PATIENCE_S)
    until(lambda: table(shown, "asks") == [["1", "3", "501"]])
    shown.find_element(By.CSS_SELECTOR, "#asks tr:last-child td:last-child").click()  # its price goes into the form
    form.find_element(By.NAME, "quantity").clear()
    form.find_element(By.NAME, "quantity").send_keys("3")
    form.find_element(By.ID, "send").click()
    until(lambda: own(shown)[0][1:] == ["3 / 3", "filled"])


def test_position_average_price_and_profit(shown: Browser, trader: Client) -> None:
    shown.find_element(By.CSS_SELECTOR, "input[name=instrument][value='2']").click()
    until(lambda: text(shown, "open-profit") == "0.00")  # no other test trades this instrument
    assert [text(shown, name) for name in ("average", "open-profit", "realised")] == ["\N{EN DASH}", "0.00", "0.00"]
    trader.add_order(1, Side.ASK, 400, 10, instrument=2).result(PATIENCE_S)
    until(lambda: table(shown, "asks") == [["1", "10", "100.00"]])
    send(shown, 10, 100)
    until(lambda: text(shown, "position") == "+10")
    assert text(shown, "average") == "100.00"
    trader.add_order(2, Side.BID, 404, 4, instrument=2).result(PATIENCE_S)
    shown.find_element(By.CSS_SELECTOR, ".sides .ask").click()
    send(shown, 4, 101)
    until(lambda: text(shown, "position") == "+6")
    until(lambda: text(shown, "realised") == "+4.00")
    trader.add_order(3, Side.BID, 394, 1, instrument=2).result(PATIENCE_S)
    trader.add_order(4, Side.ASK, 398, 1, instrument=2).result(PATIENCE_S)
    until(lambda: text(shown, "open-profit") == "\N{MINUS SIGN}6.00")
    shown.find_element(By.CSS_SELECTOR, "input[name=instrument][value='1']").click()
    until(lambda: text(shown, "realised") != "+4.00")


def test_a_refused_order_says_why(shown: Browser) -> None:
    form = shown.find_element(By.ID, "order-form")
    form.find_element(By.NAME, "quantity").send_keys("1.5")
    form.find_element(By.ID, "send").click()
    until(lambda: text(shown, "says") == "Quantity: enter a whole number")
    assert focused(shown) == "quantity"
    form.find_element(By.NAME, "quantity").clear()
    form.find_element(By.NAME, "quantity").send_keys("9" * 19)
    form.find_element(By.NAME, "price").send_keys("1")
    form.find_element(By.ID, "send").click()
    until(lambda: "quantity: give a number from 1 to" in text(shown, "says"))
    form.find_element(By.NAME, "quantity").clear()
    form.find_element(By.NAME, "quantity").send_keys("5")
    shown.execute_script("document.getElementById('order-form').elements.time_in_force.value = 'fok'")
    form.find_element(By.ID, "send").click()
    until(lambda: "the whole quantity could not trade at once" in text(shown, "says"))


def test_with_the_keyboard_alone(shown: Browser, trader: Client) -> None:
    trader.add_order(1, Side.ASK, 50, 2).result(PATIENCE_S)
    press(shown, Keys.TAB)
    assert focused(shown) == "skip"
    press(shown, Keys.ENTER, Keys.TAB)
    assert focused(shown) == "side"
    press(shown, Keys.TAB, "3", Keys.ARROW_DOWN, Keys.TAB, "49", Keys.ARROW_UP, Keys.ENTER)
    until(lambda: own(shown)[:1] and own(shown)[0][1:] == ["2 / 2", "filled"])
    press(shown, Keys.ESCAPE, "s")
    assert focused(shown) == "quantity"
    press(shown, "7", Keys.TAB, Keys.ARROW_UP)
    assert text(shown, "send") == "Sell"
    press(shown, Keys.ENTER)
    until(lambda: own(shown)[0][1:] == ["0 / 7", "resting"])
    press(shown, *[Keys.TAB] * 5)  # type, time in force, more, the button
    assert focused(shown) == "cancel-all"
    press(shown, Keys.TAB)
    assert shown.switch_to.active_element.get_attribute("aria-label").startswith("Cancel order")  # type: ignore[union-attr]
    press(shown, Keys.ENTER)
    until(lambda: own(shown)[0][2] == "cancelled")
    until(lambda: focused(shown) == "own-title")  # not lost with the button
    press(shown, "]")
    until(lambda: text(shown, "symbol") == "XYZ")
    press(shown, "?")
    assert shown.find_element(By.ID, "help").get_attribute("open")


def test_single_keys_can_be_turned_off(shown: Browser) -> None:
    press(shown, "?")
    shown.find_element(By.ID, "keys-on").click()
    press(shown, "b")
    assert focused(shown) == "keys-on"
    shown.find_element(By.ID, "keys-on").click()
    press(shown, "b")
    assert focused(shown) == "quantity"


# ---------------------------------------------------------------------- phases, stops, icebergs


@pytest.fixture
def calling(chromium: Browser, tmp_path: Path) -> Iterator[tuple[Browser, Page, Path]]:
    """A page in an opening auction, and the socket of the operator."""
    socket = tmp_path / "admin"
    rules = "id=1,symbol=ABC,phase=opening-auction,dynamic_range=10,interruption_s=0"
    options = ("--open", "--http-owner", str(SANDBOX), "--instrument", rules, "--admin-socket", str(socket))
    with page(*options) as running:
        chromium.shape(1440, 900)
        chromium.get(f"http://{running.address}/")
        until(lambda: is_ready(chromium))
        yield chromium, running, socket
        chromium.get("about:blank")
    chromium.complaints()


def fill(page: Browser, **fields: object) -> None:
    """Fill in fields of the form, and send it."""
    script = """
        const form = document.getElementById("order-form");
        for (const [name, value] of Object.entries(arguments[0])) form.elements[name].value = value;
        form.dispatchEvent(new Event("input"));
    """
    page.execute_script(script, {name: str(value) for name, value in fields.items()})
    page.find_element(By.ID, "send").click()


def explained(page: Browser) -> list[str]:
    """What the page says of each order of the sandbox, the newest first."""
    return [row[0] for row in table(page, "own") if len(row) == 1]


def test_a_day_of_phases(calling: tuple[Browser, Page, Path]) -> None:
    shown, running, socket = calling
    until(lambda: text(shown, "phase") == "opening auction")
    until(lambda: text(shown, "spread") == "No indicative price")
    with Client(running.server.host, running.server.port, owner=5) as trader:
        trader.add_order(1, Side.BID, 102, 7).result(PATIENCE_S)
        trader.add_order(2, Side.ASK, 100, 5).result(PATIENCE_S)
        request(socket, "indicate", instrument=1)
        until(lambda: text(shown, "call-price") == "Indicative price 102, volume 5, surplus 2 to buy.")
        assert text(shown, "spread") == "Indicative 102"
        assert text(shown, "touch") == "opening, indicative 102"
        assert text(shown, "call-why") == "Orders are collected and will trade together at one price."
        request(socket, "uncross", instrument=1, phase="continuous")
        until(lambda: text(shown, "auction").startswith("Opening auction: 5 traded at 102, "))
        until(lambda: table(shown, "tape") and table(shown, "tape")[0][1:] == ["5", "102"])
        assert not shown.find_element(By.ID, "call").is_displayed()
        trader.add_order(3, Side.BID, 80, 10).result(PATIENCE_S)
        trader.add_order(4, Side.ASK, 70, 3).result(PATIENCE_S)  # trades 2 at 102; 80 is too far
        until(lambda: text(shown, "call-why").startswith("Volatility interruption: a trade would have been outside"))
        until(lambda: text(shown, "phase") == "volatility auction")
        assert table(shown, "markets")[0][0] == "ABC volatility"
        request(socket, "uncross", instrument=1, phase="closed")
        until(lambda: text(shown, "auction").startswith("Volatility auction: 1 traded at 80, "))
        until(lambda: text(shown, "call-why") == "The market is closed: only cancels are accepted.")


def test_own_stops_and_icebergs(calling: tuple[Browser, Page, Path]) -> None:
    shown, running, socket = calling
    request(socket, "uncross", instrument=1, phase="continuous")
    until(lambda: text(shown, "phase") == "")
    fill(shown, type="stop-limit", quantity=5, price=105, trigger_price=103)
    until(lambda: own(shown)[:1] and own(shown)[0][1:] == ["0 / 5", "waiting"])
    assert explained(shown)[0] == "stop limit, trigger price 103"
    assert table(shown, "bids") == []
    fill(shown, type="limit", quantity=100, price=100, display_quantity=10, time_in_force="day")
    until(lambda: own(shown)[0][1:] == ["0 / 100", "resting"])
    until(lambda: table(shown, "bids") == [["1", "10", "100"]])
    assert explained(shown)[0] == "displays 10, 90 hidden, until the day ends"
    with Client(running.server.host, running.server.port, owner=5) as trader:
        trader.add_order(1, Side.ASK, 100, 15).result(PATIENCE_S)
        until(lambda: own(shown)[0][1:] == ["15 / 100", "resting"])
        until(lambda: explained(shown)[0] == "displays 10, 80 hidden, until the day ends")
        until(lambda: table(shown, "bids") == [["1", "5", "100"]])
        trader.add_order(2, Side.ASK, 103, 1).result(PATIENCE_S)
        trader.add_order(3, Side.BID, 103, 1).result(PATIENCE_S)  # triggers the stop order
        until(lambda: own(shown)[1][1:] == ["0 / 5", "resting"])
    fill(shown, display_quantity="", time_in_force="gtd", quantity=1, price=90, expiry="2020-01-01T00:00:00")
    until(lambda: "the expiry time must be in the future" in text(shown, "says"))
    fill(shown, time_in_force="gtc", type="stop", trigger_price="")
    until(lambda: text(shown, "says") == "Trigger price: enter a number")
    assert focused(shown) == "trigger_price"
    fill(shown, type="limit", instruction="at-the-close")
    until(lambda: own(shown)[0][2] == "waiting")
    assert explained(shown)[0] == "at the close"
    fill(shown, minimum_quantity=5)
    until(lambda: text(shown, "says") == "minimum quantity: give a number from 1 to 1")
    fill(shown, type="stop", minimum_quantity="", instruction="", quantity=5, trigger_price=200, protection="much")
    until(lambda: text(shown, "says") == "Protection: enter a number, or leave it empty")
    assert focused(shown) == "protection"
    fill(shown, protection=2)
    until(lambda: explained(shown)[0] == "stop, trigger price 200, protection 2")


# ---------------------------------------------------------------------- readers


def test_every_field_and_button_has_a_name_and_every_focus_is_seen(shown: Browser) -> None:
    unnamed = """
        const named = e => e.labels?.length || e.textContent.trim() || e.getAttribute("aria-label");
        const all = [...document.querySelectorAll("input, select, button, canvas, summary")];
        return all.filter(e => !named(e)).map(e => e.outerHTML);
    """
    assert shown.execute_script(unnamed) == []
    live = """
        const all = document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log]");
        return [...all].map(e => e.id);
    """
    assert shown.execute_script(live) == ["status", "says"]  # nothing that changes ten times a second
    for _ in range(12):
        press(shown, Keys.TAB)
        ring = """
            const e = document.activeElement;
            const style = getComputedStyle(e.name === "side" ? e.nextSibling : e);
            return e === document.body || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
        """
        assert shown.execute_script(ring), focused(shown)


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_off_at_any_width(shown: Browser, trader: Client, width: int, theme: str) -> None:
    for number in range(1, 21):
        trader.add_order(number, Side.BID, 1_000_000 - number, 1000 * number).result(PATIENCE_S)
    shown.shape(width, 844, theme=theme)
    until(lambda: len(table(shown, "bids")) >= 8)
    assert shown.execute_script("return document.documentElement.scrollWidth") <= width
    cut = """
        const all = [...document.querySelectorAll("header, .panel, .scroll, h2, td, th")];
        return all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML);
    """
    assert shown.execute_script(cut) == []
    back = shown.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", back))) < 60) == (theme == "dark")


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (1440, 900), (1920, 1080)])
def test_nothing_essential_is_below_the_fold(shown: Browser, trader: Client, width: int, height: int) -> None:
    for number in range(1, 41):
        trader.add_order(number, Side.BID, 1000 - number, 10).result(PATIENCE_S)
    shown.shape(width, height)
    until(lambda: len(table(shown, "bids")) > 10)
    below = """
        const essential = ".book, .price, .depth, .markets, .tape, .order-form, #send, .position, .own";
        return [...document.querySelectorAll(essential)]
          .filter(e => e.getBoundingClientRect().bottom > innerHeight || e.getBoundingClientRect().height < 30)
          .map(e => e.className || e.id);
    """
    until(lambda: shown.execute_script(below) in ([], ["send"]))  # the button is less high
    most = {768: 14, 900: 17, 1080: 20}[height]
    until(lambda: len(table(shown, "bids")) >= most)
    room = shown.execute_script("return document.querySelector('.ladder-room').clientHeight")
    used = shown.execute_script("return document.querySelector('.ladder').clientHeight")
    assert room - used < 2 * 25  # a further level of each side would not fit


def test_a_latency_has_one_line_on_a_desktop(shown: Browser, trader: Client) -> None:
    until(lambda: len(table(shown, "latency")) > 0)
    widest = """
        const row = document.getElementById("latency").rows[0].cloneNode(true);
        ["order received to reports sent: replace", "23.4 µs", "345 µs", "4.56 ms", "35.4 ms"].forEach((text, i) => {
          row.cells[i].textContent = text;
        });
        document.getElementById("latency").append(row);
        return [row.clientHeight, parseFloat(getComputedStyle(row).lineHeight)];
    """
    height, line = shown.execute_script(widest)
    assert height < 2 * line


def test_animations_stop_if_the_reader_prefers_that(shown: Browser) -> None:
    script = """
        const row = document.createElement("tr");
        row.className = "new bid";
        row.append(document.createElement("td"));
        document.getElementById("tape").append(row);
        const name = getComputedStyle(row.cells[0]).animationName;
        row.remove();
        return name;
    """
    assert shown.execute_script(script) == "bought"
    shown.shape(1440, 900, motion="reduce")
    assert shown.execute_script(script) == "none"


# ---------------------------------------------------------------------- the server stops and starts


def test_the_page_connects_again_to_a_server_that_restarts(chromium: Browser) -> None:
    ports = ("--port", str(lasting_port()), "--http-port", str(lasting_port()))
    with page(*TWO, *ports) as first:
        chromium.get(f"http://{first.address}/")
        until(lambda: is_ready(chromium))
        with Client(first.server.host, first.server.port, owner=5, retries=0) as client:
            client.add_order(1, Side.BID, 1000, 5).result(PATIENCE_S)
            until(lambda: table(chromium, "bids") == [["1", "5", "1,000"]])
            send(chromium, 5, 1001)
            client.add_order(2, Side.ASK, 1001, 1).result(PATIENCE_S)
            until(lambda: own(chromium) == [["Buy 1 ABC", "1 / 5", "resting"]])
            until(lambda: len(table(chromium, "tape")) == 1)
    until(lambda: text(chromium, "status") == "no connection")
    away = chromium.find_element(By.ID, "away")
    assert away.is_displayed()
    assert away.text.startswith("The server does not answer: the page shows old data. Next try in ")
    with first.server.again() as server:
        chromium.find_element(By.ID, "now").click()
        until(lambda: is_ready(chromium))
        assert not away.is_displayed()
        with Client(server.host, server.port, owner=5) as client:
            client.add_order(1, Side.ASK, 7, 3).result(PATIENCE_S)
            until(lambda: table(chromium, "asks") == [["1", "3", "7"]])
            until(lambda: table(chromium, "bids") == table(chromium, "tape") == own(chromium) == [])
            send(chromium, 8, 5)
            until(lambda: own(chromium) == [["Buy 1 ABC", "0 / 8", "resting"]])
        server.stop()
    until(lambda: text(chromium, "status") == "no connection")
    with server.again():  # the page connects again without a click
        until(lambda: is_ready(chromium))
    chromium.complaints()  # the browser reports the refused connections
