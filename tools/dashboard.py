"""Writes the Grafana dashboard of a server, deploy/grafana/dashboards/pricetime.json: ``make dashboard``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders import dashboard, heatmap, stat, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    ScaleDistributionConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    SortOrder,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption, VariableRefresh, VariableSort
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from pricetime.exchange.control.meters import (
    Books,
    Cluster,
    CommandLog,
    Feed,
    Journal,
    Latency,
    Meter,
    Orders,
    Process,
    Rings,
    Sessions,
    Venues,
)

FILE = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards" / "pricetime.json"

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")

#: Label filters of every query: the server, and for books the instruments, that the user selects.
SERVER = 'instance="$instance"'
BOOK = f'{SERVER}, instrument=~"$instrument"'

PER_SECOND, SECONDS, BYTES, BYTES_PER_SECOND, RATIO = "cps", "s", "decbytes", "Bps", "percentunit"


@dataclass(frozen=True)
class Query:
    """A Prometheus query and the legend of its series."""

    expression: str
    legend: str = ""
    heat: bool = False


def now(meter: Meter, legend: str, labels: str = SERVER) -> Query:
    """The current value of a gauge."""
    return Query(f"{meter.name}{{{labels}}}", legend)


def rate(meter: Meter | str, legend: str, *by: str, labels: str = SERVER) -> Query:
    """The rate of a counter per second, summed over all labels except ``by``."""
    name = meter if isinstance(meter, str) else meter.name
    kept = f" by ({', '.join(by)})" if by else ""
    return Query(f"sum{kept} (rate({name}{{{labels}}}[$__rate_interval]))", legend)


def quantile(part: float, meter: Meter, legend: str, *by: str) -> Query:
    """A quantile of a histogram, summed over all labels except ``by``."""
    kept = ", ".join(("le", *by))
    spread = f"sum by ({kept}) (rate({meter.name}_bucket{{{SERVER}}}[$__rate_interval]))"
    return Query(f"histogram_quantile({part}, {spread})", legend)


def quantiles(meter: Meter) -> list[Query]:
    return [quantile(part, meter, f"p{part * 100:g}") for part in (0.5, 0.9, 0.99, 0.999)]


def targets(queries: list[Query]) -> list[Dataquery]:
    found = []
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        made = Dataquery().expr(query.expression).legend_format(query.legend).ref_id(letter).datasource(SOURCE)
        found.append(made.format(PromQueryFormat.HEATMAP if query.heat else PromQueryFormat.TIME_SERIES))
    return found


def lines(
    title: str, unit: str, *queries: Query, text: str = "", width: int = 8, log: bool = False
) -> timeseries.Panel:
    """A panel of lines over time."""
    panel = timeseries.Panel().title(title).description(text).unit(unit).datasource(SOURCE).span(width).height(8)
    panel.line_width(1).fill_opacity(8)
    panel.legend(
        VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    )
    panel.tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    if log:
        panel.scale_distribution(ScaleDistributionConfig().type(ScaleDistribution.LOG).log(10))
    for target in targets(list(queries)):
        panel.with_target(target)
    return panel


def figure(title: str, unit: str, query: Query, text: str = "") -> stat.Panel:
    """A panel with the newest value and a sparkline."""
    panel = stat.Panel().title(title).description(text).unit(unit).datasource(SOURCE).span(4).height(4)
    newest = ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    return panel.reduce_options(newest).with_target(targets([query])[0])


def heat(title: str, meter: Meter) -> heatmap.Panel:
    """A heatmap of a latency histogram over time."""
    query = rate(f"{meter.name}_bucket", "{{le}}", "le")
    panel = heatmap.Panel().title(title).description(meter.help).datasource(SOURCE).span(12).height(9)
    panel.calculate(False).y_axis(heatmap.YAxisConfig().unit(SECONDS))
    panel.color(
        heatmap.HeatmapColorOptions()
        .mode(HeatmapColorMode.SCHEME)
        .scheme("Turbo")
        .scale(HeatmapColorScale.EXPONENTIAL)
        .exponent(0.4)
        .steps(64)
    )
    panel.filter_values(heatmap.FilterValueRange().le(1e-9)).show_y_histogram()
    panel.with_target(targets([Query(query.expression, query.legend, heat=True)])[0])
    return panel


Panel = timeseries.Panel | stat.Panel | heatmap.Panel


def glance() -> list[Panel]:
    return [
        figure("Commands", PER_SECOND, rate(Orders.commands, "")),
        figure("Tick to trade, p99", SECONDS, quantile(0.99, Latency.tick_to_trade, "")),
        figure("Sessions", "short", Query(f"sum({Sessions.sessions.name}{{{SERVER}}})")),
        figure("Resting orders", "short", Query(f"sum({Books.orders.name}{{{SERVER}}})")),
        figure("Rejected", PER_SECOND, rate(Orders.reports, "", labels=f'{SERVER}, kind="rejected"')),
        figure("Memory", BYTES, Query(f"sum(process_resident_memory_bytes{{{SERVER}}})")),
    ]


def throughput() -> list[Panel]:
    return [
        lines("Commands", PER_SECOND, rate(Orders.commands, "commands"), text=Orders.commands.help),
        lines("Reports by kind", PER_SECOND, rate(Orders.reports, "{{kind}}", "kind"), text=Orders.reports.help),
        lines(
            "Bytes",
            BYTES_PER_SECOND,
            rate(Orders.received, "from clients"),
            rate(Orders.sent, "to clients"),
            rate(Feed.n_bytes, "feed"),
        ),
    ]


def latency() -> list[Panel]:
    def by_kind(meter: Meter) -> Query:
        return quantile(0.99, meter, "{{kind}}", "kind")

    return [
        heat("Tick to trade", Latency.tick_to_trade),
        heat("Match", Latency.match),
        lines("Tick to trade", SECONDS, *quantiles(Latency.tick_to_trade), width=6, log=True),
        lines("Tick to trade, p99 by kind", SECONDS, by_kind(Latency.tick_to_trade), width=6, log=True),
        lines("Match", SECONDS, *quantiles(Latency.match), width=6, log=True),
        lines("Match, p99 by kind", SECONDS, by_kind(Latency.match), width=6, log=True),
    ]


def books() -> list[Panel]:
    side, both = "{{instrument}} {{symbol}} {{side}}", "{{instrument}} {{symbol}}"
    return [
        lines("Resting orders", "short", now(Books.orders, side, BOOK)),
        lines("Resting quantity, lots", "short", now(Books.lots, side, BOOK)),
        lines("Price levels", "short", now(Books.levels, side, BOOK)),
        lines("Best prices, ticks", "none", now(Books.best, side, BOOK), width=12),
        lines("Spread, ticks", "none", now(Books.spread, both, BOOK), text=Books.spread.help, width=12),
    ]


def venues() -> list[Panel]:
    phases = Query(f"sum by (phase) ({Books.phase.name}{{{BOOK}}})", "{{phase}}")
    return [
        lines("Instruments by phase", "short", phases, text=Books.phase.help),
        lines(
            "Auctions and interruptions",
            PER_SECOND,
            rate(Venues.auctions, "auctions, {{result}}", "result"),
            rate(Venues.interruptions, "volatility interruptions"),
            rate(Venues.indicative, "indicative prices"),
        ),
        lines(
            "Triggered, refreshed and expired orders",
            PER_SECOND,
            rate(Venues.triggered, "triggered"),
            rate(Venues.refreshed, "refreshed"),
            rate(Venues.expired, "{{reason}}", "reason"),
        ),
    ]


def rejects() -> list[Panel]:
    rejected = rate(Orders.reports, "{{reason}}", "reason", labels=f'{SERVER}, kind="rejected"')
    return [
        lines("Rejected commands by reason", PER_SECOND, rejected, width=12),
        lines(
            "Rejected logins by reason", PER_SECOND, rate(Sessions.logins_rejected, "{{reason}}", "reason"), width=12
        ),
    ]


def rings() -> list[Panel]:
    return [
        lines("Ring usage", RATIO, now(Rings.ratio, "{{ring}}"), text=Rings.ratio.help),
        lines("Unanswered commands", "short", now(Orders.unanswered, "{{instance}}"), text=Orders.unanswered.help),
        lines(
            "Follower lag, commands", "short", now(CommandLog.follower, "{{instance}}"), text=CommandLog.follower.help
        ),
        lines("Term of the log", "short", now(CommandLog.term, "{{instance}}"), text=CommandLog.term.help),
    ]


def journal() -> list[Panel]:
    total, syncs = (f"rate({Journal.sync.name}_{part}{{{SERVER}}}[$__rate_interval])" for part in ("sum", "count"))
    return [
        lines(
            "Journal lag, commands",
            "short",
            now(Journal.lag, "journal"),
            text=Journal.lag.help,
            width=6,
        ),
        lines(
            "Sync time",
            SECONDS,
            Query(f"{total} / {syncs}", "mean"),
            now(Journal.last, "last"),
            now(Journal.longest, "longest since the start"),
            width=6,
            log=True,
        ),
        lines("Syncs", PER_SECOND, rate(f"{Journal.sync.name}_count", "syncs"), text=Journal.sync.help, width=6),
        lines("Synced bytes", BYTES_PER_SECOND, rate(Journal.n_bytes, "bytes"), text=Journal.n_bytes.help, width=6),
    ]


def cluster() -> list[Panel]:
    role = Query(f"{Cluster.role.name}{{{SERVER}}} == 1", "{{role}}")
    return [
        lines("Role", "short", role, text=Cluster.role.help, width=6),
        lines("Term", "short", now(Cluster.term, "term"), rate(Cluster.changes, "changes of the leader/s"), width=6),
        lines(
            "Behind, commands",
            "short",
            now(Cluster.lag, "commands"),
            now(Cluster.unacknowledged, "unacknowledged pages"),
            text=Cluster.lag.help,
            width=6,
        ),
        lines(
            "NATS",
            "short",
            now(Cluster.connected, "connected"),
            rate(Cluster.retries, "repeated appends/s"),
            rate(Cluster.replicated, "replicated commands/s"),
            width=6,
        ),
    ]


def sessions() -> list[Panel]:
    return [
        lines(
            "Connected",
            "short",
            now(Sessions.sessions, "sessions"),
            now(Sessions.pending, "not logged in"),
            now(Sessions.recovery_clients, "recovery clients"),
        ),
        lines(
            "Losses and delays",
            PER_SECOND,
            rate(Feed.unsent, "reports not sent"),
            rate(Feed.foreign, "datagrams of a second publisher"),
            rate(Sessions.slow_readers, "slow readers disconnected"),
            rate(Rings.full, "reads delayed by a full ring"),
            rate(Orders.gateway_rejects, "gateway rejects"),
        ),
        lines(
            "Recovery",
            PER_SECOND,
            rate(Sessions.again, "reports retransmitted"),
            rate(Sessions.snapshots, "snapshots"),
            rate(Sessions.requests, "{{status}}", "status"),
        ),
    ]


def process() -> list[Panel]:
    resident, virtual = (f"process_{kind}_memory_bytes{{{SERVER}}}" for kind in ("resident", "virtual"))
    return [
        lines("Memory", BYTES, Query(resident, "resident"), Query(virtual, "reserved"), log=True),
        lines(
            "Processors in use",
            "short",
            rate("process_cpu_seconds_total", "all threads"),
            rate(Process.threads, "{{thread}}", "thread"),
        ),
        lines(
            "Scrapes",
            SECONDS,
            now(Process.took, "reading the metrics"),
            Query(f"scrape_duration_seconds{{{SERVER}}}", "whole scrape"),
        ),
    ]


ROWS = {
    "At a glance": glance,
    "Throughput": throughput,
    "Latency": latency,
    "Books": books,
    "Phases and orders of venues": venues,
    "Rejected": rejects,
    "Rings": rings,
    "Journal": journal,
    "Cluster": cluster,
    "Sessions and losses": sessions,
    "Process": process,
}


def variable(name: str, label: str, meter: Meter) -> dashboard.QueryVariable:
    """A selection among the values of a label."""
    made = dashboard.QueryVariable(name).label(label).datasource(SOURCE).query(f"label_values({meter.name}, {name})")
    return made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NUMERICAL_ASC)


def page() -> str:
    """The whole file."""
    made = (
        dashboard.Dashboard("pricetime")
        .uid("pricetime")
        .description("Throughput, latency, books, rings, journal and sessions of a pricetime server")
        .tags(["pricetime"])
        .refresh("5s")
        .time("now-15m", "now")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .with_variable(variable("instance", "Server", Process.build))
        .with_variable(
            variable("instrument", "Instruments", Books.orders)
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(VariableOption(selected=True, text="All", value="$__all"))
        )
    )
    number = count(1)
    for title, panels in ROWS.items():
        made.with_row(dashboard.Row(title).id(next(number)))
        for panel in panels():
            made.with_panel(panel.id(next(number)))
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
