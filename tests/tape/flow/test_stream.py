import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from pricetime.errors import InvalidSetting
from pricetime.tape.flow import PRESETS, Flow, generate, prelude
from pricetime.types import COMMAND, MAX_QUANTITY, CommandType, Side, TimeInForce
from tests.tape.flow.flows import OF_VENUES, SMALL, joined

PLAIN = [flow for name, flow in SMALL.items() if name not in OF_VENUES]

each_flow = pytest.mark.parametrize("flow", SMALL.values(), ids=SMALL.keys())


@each_flow
def test_the_same_seed_gives_the_same_commands_however_they_are_cut(flow: Flow) -> None:
    whole = joined(generate(flow, 50_000, seed=7))
    assert whole.size == 50_000
    parts = list(generate(flow, 50_000, seed=7, chunk=777))
    assert [part.size for part in parts] == [777] * 64 + [50_000 - 64 * 777]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    # the last one may have lost its extension
    assert joined(generate(flow, 20_000, seed=7))[:-1].tobytes() == whole[:19_999].tobytes()
    assert joined(prelude(flow, seed=7)).tobytes() == joined(prelude(flow, seed=7, chunk=999)).tobytes()


@each_flow
def test_another_seed_gives_other_commands(flow: Flow) -> None:
    one, other = (joined(generate(flow, 5_000, seed=seed)) for seed in (1, 2))
    one, other = (part[part["type"] == CommandType.NEW_ORDER] for part in (one, other))
    assert np.isin(one["order_id"], other["order_id"]).mean() < 0.01


@pytest.mark.parametrize("flow", PLAIN)
def test_every_command_is_well_formed(flow: Flow) -> None:
    commands = joined(generate(flow, 60_000, seed=3))
    assert commands.dtype == COMMAND
    assert set(np.unique(commands["type"])) <= {1, 2, 3, 4}
    unused = ("session", "order_type", "instructions", "flags", "instrument", "owner", "tag")
    assert not any(commands[name].any() for name in unused)
    new = commands[commands["type"] == CommandType.NEW_ORDER]
    cancels = commands[commands["type"] == CommandType.CANCEL_ORDER]
    assert set(np.unique(new["side"])) <= set(Side)
    assert set(np.unique(new["time_in_force"])) <= {TimeInForce.GTC, TimeInForce.IOC}
    sized = commands[commands["type"] != CommandType.CANCEL_ORDER]
    assert 1 <= sized["quantity"].min() <= sized["quantity"].max() <= MAX_QUANTITY
    assert not any(cancels[name].any() for name in ("side", "time_in_force", "price", "quantity"))
    assert (cancels["length"] == 16).all()
    assert (sized["length"] == 40).all()


@each_flow
def test_sequence_and_time_go_on_from_the_prelude(flow: Flow) -> None:
    both = joined([*prelude(flow, seed=5), *generate(flow, 30_000, seed=5)])
    assert both.size == flow.resting + 30_000
    assert (both["sequence"] == np.arange(1, both.size + 1)).all()
    assert (np.diff(both["timestamp"].astype(np.int64)) >= 0).all()


@each_flow
@pytest.mark.parametrize("ids", ["random", "sequential", "session"])
def test_order_ids_never_repeat(flow: Flow, ids: str) -> None:
    numbered = replace(flow, ids=ids, owners=16 if ids == "session" else 0)
    both = joined([*prelude(numbered), *generate(numbered, 50_000)])
    new = both[both["type"] == CommandType.NEW_ORDER]
    assert np.unique(new["order_id"]).size == new.size
    if ids == "random":
        assert np.unique(new["order_id"] >> np.uint64(56)).size == 256
    if ids == "sequential":
        assert (new["order_id"] == np.arange(1, new.size + 1)).all()
    if ids == "session":
        assert (new["order_id"] >> np.uint64(32) == new["owner"]).all()
        assert set(np.unique(new["owner"])) == set(range(1, 17))


@each_flow
def test_a_cancel_or_change_follows_its_order(flow: Flow) -> None:
    both = joined([*prelude(flow), *generate(flow, 50_000)])
    new = both["type"] == CommandType.NEW_ORDER
    created = dict(zip(both["order_id"][new].tolist(), both["sequence"][new].tolist(), strict=True))
    later = both[np.isin(both["type"], [CommandType.CANCEL_ORDER, CommandType.REPLACE_ORDER, CommandType.REDUCE_ORDER])]
    assert all(created[i] < s for i, s in zip(later["order_id"].tolist(), later["sequence"].tolist(), strict=True))


@each_flow
def test_owners_are_spread(flow: Flow) -> None:
    commands = joined(generate(replace(flow, owners=4), 20_000))
    owners, counts = np.unique(commands["owner"][commands["type"] == CommandType.NEW_ORDER], return_counts=True)
    assert owners.tolist() == [1, 2, 3, 4]
    assert counts.min() > 0.8 * counts.max()


def test_memory_does_not_grow_with_the_count() -> None:
    peaks = []
    for count in (200_000, 800_000):
        tracemalloc.start()
        for _ in generate("balanced", count, chunk=10_000):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_no_commands_and_no_prelude() -> None:
    assert list(generate("balanced", 0)) == []
    assert list(prelude(replace(PRESETS["balanced"], resting=0))) == []
    assert joined(generate(replace(PRESETS["balanced"], resting=0), 1_000)).size == 1_000


def test_an_unknown_preset_teaches_the_names() -> None:
    with pytest.raises(InvalidSetting, match=r"'calm'.*balanced, cancel-heavy, deep, sweep, wide, outliers, stops-and"):
        generate("calm", 10)
    with pytest.raises(InvalidSetting, match="'calm'"):
        prelude("calm")


def test_settings_are_checked_at_once() -> None:
    with pytest.raises(InvalidSetting, match=r"count -1 .*0 to"):
        generate("balanced", -1)
    with pytest.raises(InvalidSetting, match=r"count 1000001 .*0 to 1000000"):
        generate("one-maker-per-taker", 1_000_001)
    with pytest.raises(InvalidSetting, match="chunk 0"):
        generate("balanced", 10, chunk=0)
    with pytest.raises(InvalidSetting, match="chunk 0"):
        prelude("balanced", chunk=0)
    with pytest.raises(InvalidSetting, match="seed -1"):
        generate("balanced", 10, seed=-1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ids": "dense"}, "'dense'.*'random', 'sequential', 'session'"),
        ({"ids": "session"}, "owners"),
        ({"resting": -1}, "resting -1"),
        ({"owners": 2**17}, "owners 131072"),
        ({"taking": 1.5}, "taking 1.5 .*0 to 1"),
        ({"far": 0.6, "outliers": 0.6}, "sum must be at most 1"),
        ({"slack": 400}, "slack 400 .*reach 400"),
        ({"reach": 0}, "reach 0 .*from 1"),
        ({"scale": float("nan")}, "scale nan"),
        ({"size": (2.0, 1.0)}, "size"),
        ({"sweep_size": (0.0, 1.0)}, "sweep_size"),
        ({"stops": 0.5, "icebergs": 0.5}, "stops and icebergs .*sum must be at most 1"),
        ({"icebergs": -0.1}, "icebergs -0.1 .*0 to 1"),
        ({"day": 999}, "day 999 is too short: give 0 or at least 1000"),
    ],
)
def test_a_flow_refuses_settings_out_of_range(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        replace(PRESETS["balanced"], **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("settings", [{"levels": 0}, {"quantity": 0}, {"quantity": 2**63}])
def test_a_paired_flow_refuses_settings_out_of_range(settings: dict[str, int]) -> None:
    with pytest.raises(InvalidSetting, match=r"levels|quantity"):
        replace(PRESETS["one-maker-per-taker"], **settings)  # type: ignore[arg-type]
