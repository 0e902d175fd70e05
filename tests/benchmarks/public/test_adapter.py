"""The adapter of the public benchmark, loaded by a C program, gives the answers of the reference book."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.build import NotCompiled
from benchmarks.public.build import library
from pricetime.reference.book import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import COMMAND, CommandType, ReplacePolicy, ReportKind, Side, TimeInForce

pytestmark = pytest.mark.compiled

HERE = Path(__file__).parent
NEW, CANCEL, MODIFY = 0, 1, 2
ORDER_ACK, TRADE, CANCEL_ACK, MODIFY_ACK, CANCEL_REJECT, MODIFY_REJECT = range(6)
NO_BID, NO_ASK = -(1 << 63), (1 << 63) - 1

MESSAGE = np.dtype(
    [
        ("type", "u1"),
        ("zero", "V7"),
        ("order_id", "u8"),
        ("sequence", "u8"),
        ("price", "i8"),
        ("quantity", "u4"),
        ("side", "u1"),
        ("ioc", "u1"),
        ("zero2", "V2"),
    ]
)
ANSWER = np.dtype(
    [
        ("type", "u1"),
        ("side", "u1"),
        ("zero", "u2"),
        ("zero2", "u4"),
        ("sequence", "u8"),
        ("order_id", "u8"),
        ("price", "i8"),
        ("quantity", "u4"),
        ("zero3", "u4"),
        ("maker_id", "u8"),
        ("taker_id", "u8"),
        ("zero4", "u8"),
    ]
)
QUESTION = np.dtype([("bid", "i8"), ("ask", "i8"), ("quantity", "u8")])


@pytest.fixture(scope="module")
def engine() -> Path:
    try:
        return library()
    except NotCompiled as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build a client with")
    program = tmp_path_factory.mktemp("client") / "engine_client"
    source = HERE / "engine_client.c"
    subprocess.run([compiler, "-Wall", "-Werror", "-pthread", "-o", program, source, "-ldl"], check=True)
    return program


def random_messages(count: int, seed: int, *, ids: int, prices: int) -> NDArray[np.void]:
    """Orders around one price; cancels and modifies of ids that rest, that are gone, and that never were."""
    random = np.random.default_rng(seed)
    messages = np.zeros(count, MESSAGE)
    messages["type"] = random.choice([NEW, CANCEL, MODIFY], count, p=[0.6, 0.25, 0.15])
    messages["order_id"] = random.integers(1, ids, count) * 0x10001
    messages["sequence"] = np.arange(count) * 3 + 7
    messages["price"] = random.integers(-prices, prices, count)
    messages["quantity"] = random.integers(0, 50, count)  # includes the invalid quantity 0
    messages["side"] = random.integers(0, 2, count)
    messages["ioc"] = (random.random(count) < 0.15) & (messages["type"] == NEW)
    return messages


def expected(messages: NDArray[np.void]) -> tuple[list[tuple[int, ...]], list[tuple[int, int, int]]]:
    """What the engine must answer, and what it must say when it is asked after each message."""
    book = ReferenceBook(replace_policy=ReplacePolicy.ALWAYS_LOSE)
    answers: list[tuple[int, ...]] = []
    questions: list[tuple[int, int, int]] = []
    for message in messages:
        answers += answers_to(book, message)
        price, side = int(message["price"]), Side(int(message["side"]) + 1)
        bid = NO_BID if book.best_bid is None else book.best_bid
        ask = NO_ASK if book.best_ask is None else book.best_ask
        questions.append((bid, ask, sum(order.quantity for order in book.orders(side, price))))
    return answers, questions


def answers_to(book: ReferenceBook, message: np.void) -> list[tuple[int, ...]]:
    command = np.zeros(1, COMMAND)
    kind = int(message["type"])
    command["type"] = [CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.REPLACE_ORDER][kind]
    command["side"] = message["side"] + 1
    command["time_in_force"] = TimeInForce.IOC if message["ioc"] else TimeInForce.GTC
    for name in ("order_id", "price", "quantity"):
        command[name] = message[name]
    sequence, order_id = int(message["sequence"]), int(message["order_id"])
    made: list[tuple[int, ...]] = []
    for report in apply(book, command):
        side, price, quantity = int(report["side"]) - 1, int(report["price"]), int(report["quantity"])
        match ReportKind(int(report["kind"])):
            case ReportKind.TRADE:
                made.append((TRADE, side, sequence, 0, price, quantity, int(report["maker_id"]), order_id))
            case ReportKind.REJECTED if kind != NEW:
                made.append((MODIFY_REJECT if kind == MODIFY else CANCEL_REJECT, sequence, order_id))
            case ReportKind.REJECTED:
                pass  # the benchmark has no answer to an order that is refused
            case other:
                answer = {
                    ReportKind.ACCEPTED: ORDER_ACK,
                    ReportKind.CANCELLED: CANCEL_ACK,
                    ReportKind.REPLACED: MODIFY_ACK,
                }[other]
                made.append((answer, side, sequence, order_id, price, quantity, 0, 0))
    return made


def shown(answer: np.void) -> tuple[int, ...]:
    """What counts of an answer: of a rejection only what it is about."""
    if answer["type"] >= CANCEL_REJECT:
        return int(answer["type"]), int(answer["sequence"]), int(answer["order_id"])
    fields = ("type", "side", "sequence", "order_id", "price", "quantity", "maker_id", "taker_id")
    return tuple(int(answer[name]) for name in fields)


def run(
    client: Path, engine: Path, messages: NDArray[np.void], folder: Path, transport: str, capacity: int
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    messages.tofile(folder / "messages")
    files = [str(folder / name) for name in ("messages", "answers", "questions")]
    ran = subprocess.run(
        [client, engine, *files, transport, str(capacity)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return np.fromfile(files[1], ANSWER), np.fromfile(files[2], QUESTION)


@pytest.mark.parametrize(("transport", "capacity"), [("own", 1 << 16), ("own", 33), ("other", 1)])
@pytest.mark.parametrize(("ids", "prices"), [(60, 4), (2_000, 3_000)])
def test_it_answers_as_the_reference_does(
    client: Path, engine: Path, tmp_path: Path, transport: str, capacity: int, ids: int, prices: int
) -> None:
    """33: a ring of 64 slots, which is full again and again."""
    messages = random_messages(6_000, capacity, ids=ids, prices=prices)
    answers, questions = run(client, engine, messages, tmp_path, transport, capacity)
    wanted, states = expected(messages)
    assert [shown(answer) for answer in answers] == wanted
    asked = messages["type"] != CANCEL  # a cancel has no price to ask about
    assert questions[asked].tolist() == [state for state, ask in zip(states, asked, strict=True) if ask]
    assert questions[["bid", "ask"]].tolist() == [state[:2] for state in states]
    assert {answer[0] for answer in wanted} == {ORDER_ACK, TRADE, CANCEL_ACK, MODIFY_ACK, CANCEL_REJECT, MODIFY_REJECT}


def test_a_modify_loses_its_place_even_where_it_only_gets_smaller(client: Path, engine: Path, tmp_path: Path) -> None:
    messages = np.zeros(4, MESSAGE)
    messages["sequence"] = range(4)
    messages["type"] = [NEW, NEW, MODIFY, NEW]
    messages["order_id"] = [1, 2, 1, 3]
    messages["side"] = [0, 0, 0, 1]
    messages["price"], messages["quantity"] = 100, [10, 10, 5, 12]
    answers, _ = run(client, engine, messages, tmp_path, "own", 64)
    trades = answers[answers["type"] == TRADE]
    assert trades[["maker_id", "quantity"]].tolist() == [(2, 10), (1, 2)]


def test_no_byte_of_an_answer_is_left_undefined(client: Path, engine: Path, tmp_path: Path) -> None:
    answers, _ = run(client, engine, random_messages(500, 1, ids=40, prices=3), tmp_path, "own", 33)
    assert not any(answers[name].any() for name in ("zero", "zero2", "zero3", "zero4"))


def test_without_pricetime_it_says_what_to_do(client: Path, engine: Path, tmp_path: Path) -> None:
    (tmp_path / "pricetime").mkdir()
    (tmp_path / "pricetime" / "__init__.py").write_text("raise ImportError('a different one')\n", encoding="utf-8")
    Path(tmp_path, "messages").touch()
    files = [str(tmp_path / name) for name in ("messages", "answers", "questions")]
    ran = subprocess.run(
        [client, engine, *files, "own", "64"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("pricetime_adapter: pricetime cannot be imported")


def test_a_python_that_is_there_already_is_not_taken_over(engine: Path, tmp_path: Path) -> None:
    code = f"import ctypes; ctypes.CDLL({str(engine)!r}).engine_get_transport()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "load the library from a different program" in ran.stderr
