from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pricetime import Instrument, OwnerLimits, SelfTrade
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.fields import Idle, named, written
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.profiles import PROFILES, StopEntry, Venue
from pricetime.types import OrderType, Phase, ReplacePolicy


def test_the_defaults_are_a_server_on_this_machine_alone() -> None:
    config = GatewayConfig()
    assert config.host.is_loopback
    assert config.feed_interface.is_loopback
    assert config.feed_group.is_multicast
    assert config.feed_ttl == 1
    assert not config.open
    assert config.reports_per_datagram == 30
    assert config.reread() is config


def test_every_setting_is_described_and_grouped() -> None:
    for field in [*GatewayConfig.model_fields.values(), *InstrumentConfig.model_fields.values()]:
        assert field.description
    for field in GatewayConfig.model_fields.values():
        assert isinstance(field.json_schema_extra, dict)
        assert field.json_schema_extra["group"]


@pytest.mark.parametrize(("mtu", "reports"), [(76, 1), (123, 1), (124, 2), (1500, 30), (9000, 186), (65535, 1364)])
def test_reports_of_a_datagram(mtu: int, reports: int) -> None:
    assert GatewayConfig(mtu=mtu).reports_per_datagram == reports


def test_an_instrument_as_the_engine_takes_it() -> None:
    given = InstrumentConfig.model_validate(
        {"id": 3, "symbol": "ABC", "tick_size": 5, "low_price": -10, "phase": "halted", "self_trade": "Cancel-Newest"}
    )
    assert given.instrument() == Instrument(
        3, symbol="ABC", tick_size=5, low_price=-10, phase=Phase.HALTED, self_trade=SelfTrade.CANCEL_NEWEST
    )
    assert InstrumentConfig(id=1).instrument() == Instrument(1)


def test_a_profile_counts_for_what_is_not_given() -> None:
    given = InstrumentConfig.model_validate({
        "id": 1, "profile": "cme", "iceberg_ratio": 60, "self_trade": "off", "static_range": 100,
        "order_types": ["limit", "stop-limit"], "on_breach": "reject-rest", "auction": "asx",
    })  # fmt: skip
    venue = {"iceberg_ratio": 60, "static_range": 100, "order_types": [0, 4], "on_breach": 1, "auction": "asx"}
    assert given.instrument() == Instrument(1, profile="cme", venue=venue, self_trade=SelfTrade.OFF)
    assert given.instrument().profile == "cme"
    assert given.instrument().venue.stop_at_entry == StopEntry.REJECT
    for name in PROFILES:
        assert InstrumentConfig.model_validate({"id": 1, "profile": name}).instrument() == Instrument(1, profile=name)


def test_every_setting_of_a_venue_is_one_of_an_instrument() -> None:
    for field in fields(Venue):
        assert field.name in InstrumentConfig.model_fields
        assert InstrumentConfig.model_fields[field.name].default == field.default


def test_the_settings_of_a_venue_as_text() -> None:
    text = (
        "id=1,order_types=limit/market,times_in_force=gtc/day,stop_trigger=best-quote,reference_price=-5,"
        "schedule=08:00 pre-open|sun/mon 09:00 uncross continuous within 5s,time_zone=Asia/Tokyo,interruption_s=0"
    )
    (given,) = GatewayConfig(instruments=text).instruments  # type: ignore[arg-type]
    assert given.order_types == {OrderType.LIMIT, OrderType.MARKET}
    assert given.instrument().venue.reference_price == -5
    assert [str(row) for row in given.timetable().rows] == [
        "mon-fri 08:00 pre-open", "sun-mon 09:00 uncross continuous within 5s",
    ]  # fmt: skip
    dumped = given.model_dump(mode="json")
    assert dumped["schedule"] == [str(row) for row in given.schedule]
    assert InstrumentConfig.model_validate({"id": 1, "schedule": dumped["schedule"]}).schedule == given.schedule


def test_members_are_written_as_they_are_read() -> None:
    enums: list[Any] = [SelfTrade, ReplacePolicy, Phase]
    for enum in enums:
        kind: Any = Annotated[enum, named(enum)]
        taken: TypeAdapter[Any] = TypeAdapter(kind)
        for member in enum:
            assert taken.validate_python(written(member)) is member
            assert taken.validate_python(member) is member


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "0.0.0.0", "open": True},
        {"host": "two words"},
        {"host": "no-such-name.invalid"},
        {"feed_interface": "::1"},
        {"feed_group": "ff02::1"},
        {"port": 65536},
        {"port": 7002},
        {"port": -1},
        {"mtu": 75},
        {"feed_group": "10.0.0.1"},
        {"feed_port": 0},
        {"feed_ttl": 256},
        {"heartbeat_ms": 3000},
        {"ring_capacity": 1000},
        {"stream_reports": 100},
        {"feed_store_reports": 3 * 2**10},
        {"order_capacity": 0},
        {"drop": 1.01},
        {"reorder": -0.1},
        {"instruments": []},
        {"instruments": "id=1;id=1"},
        {"instruments": "id=1,symbol=12345678901234567"},
        {"instruments": "id=1,low_price=2,high_price=1"},
        {"instruments": "id=1,phase=shut"},
        {"instruments": "id=1,self_trade=7"},
        {"instruments": "id=1,profile=lse"},
        {"instruments": "id=1,auction=lse"},
        {"instruments": "id=1,order_types="},
        {"instruments": "id=1,iceberg_ratio=-1"},
        {"instruments": "id=1,static_range=-1"},
        {"instruments": "id=1,interruption_s=86401"},
        {"instruments": "id=1,time_zone=Mars"},
        {"instruments": "id=1,schedule=09:00 open"},
        {"instruments": "id=1,schedule=08:00 pre-open|09:00 continuous"},
        {"instruments": "id=1,phase=closed,schedule=09:00 closed"},
        {"refresh_limit": -1},
        {"expiry_interval_ms": 9},
        {"gateway_cpus": "0,x"},
        {"idle": "sleep"},
        {"log_level": "loud"},
        {"acknowledge": "durable"},
        {"acknowledge": "maybe", "journal": "j"},
        {"journal": "j", "segment_bytes": 8193},
        {"journal": "j", "segment_bytes": 4096},
        {"journal": "j", "snapshot_stream_reports": 100},
        {"http_port": 70000},
        {"http_owner": 7},
        {"http_port": 0, "http_owner": 0},
        {"http_port": 0, "http_owner": 65536},
        {"http_port": 0, "http_owner": 7, "http_host": "0.0.0.0"},
        {"http_port": 0, "http_names": "an exchange"},
        {"http_port": 0, "http_names": "exchange.example:80"},
        {"http_port": 0, "http_pages": 0},
        {"no_such": 1},
    ],
    ids=str,
)
def test_rejected_requests(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GatewayConfig(**wrong)


def test_what_is_taken_from_text() -> None:
    text: dict[str, Any] = {"gateway_cpus": "0, 2", "instruments": "id=1;id=2,lot_size=10", "idle": "block"}
    text |= {"open": "true", "port": "0"}
    config = GatewayConfig(**text)
    assert config.gateway_cpus == (0, 2)
    assert [(i.id, i.lot_size) for i in config.instruments] == [(1, 1), (2, 10)]
    assert config.idle is Idle.BLOCK
    assert config.open
    assert GatewayConfig(http_names="a.example, b").http_names == ("a.example", "b")  # type: ignore[arg-type]
    assert config.port == config.model_copy().port == 0


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        GatewayConfig().port = 1


def test_the_environment_is_not_read_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICETIME_PORT", "9")
    assert GatewayConfig().port == 7001
    assert GatewayConfig(secrets_file=Path("x")).secrets_file == Path("x")


# ---------------------------------------------------------------------- limits of owners


def test_an_owner_may_have_a_quarter_of_the_orders() -> None:
    assert GatewayConfig(order_capacity=1000).limits() == {0: OwnerLimits(open_orders=250)}
    assert GatewayConfig(order_capacity=3).limits() == {0: OwnerLimits(open_orders=1)}
    assert GatewayConfig(max_open_orders=7).limits() == {0: OwnerLimits(open_orders=7)}


def test_an_owner_has_the_limits_of_all_where_it_has_none_of_its_own() -> None:
    owners: Any = "id=3,max_open_orders=70;id=4"  # as in the environment
    config = GatewayConfig(max_open_orders=7, max_order_quantity=50, max_price_distance=9, owners=owners)
    assert config.limits() == {
        0: OwnerLimits(open_orders=7, quantity=50, price_distance=9),
        3: OwnerLimits(open_orders=70, quantity=50, price_distance=9),
        4: OwnerLimits(open_orders=7, quantity=50, price_distance=9),
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"max_open_orders": 0},
        {"max_order_quantity": 0},
        {"max_price_distance": -1},
        {"owners": "id=0"},
        {"owners": "id=65536"},
        {"owners": "id=1;id=1"},
        {"owners": "id=1,nothing=2"},
    ],
    ids=str,
)
def test_limits_that_cannot_be(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GatewayConfig(**settings)
