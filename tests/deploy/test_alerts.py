"""The alert rules are right for promtool, about metrics that there are, and come when they should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")

from pricetime.exchange.control import meters
from tests.deploy.queries import metrics_of

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
ALERTS = FOLDER / "alerts.yml"

#: What makes each of them come, as promtool writes series: a sample every 5 s. It has come after 10 minutes.
SERIES = {
    "ServerDown": ['up{job="pricetime", instance="a"} 0x200'],
    "HighLatency": [
        'pricetime_tick_to_trade_seconds_bucket{instance="a", le="0.001"} 0+98x200',
        'pricetime_tick_to_trade_seconds_bucket{instance="a", le="0.0015"} 0+100x200',
        'pricetime_tick_to_trade_seconds_bucket{instance="a", le="+Inf"} 0+100x200',
    ],
    "CommandRingFull": ['pricetime_ring_full_total{instance="a"} 0+1x200'],
    "UnansweredCommands": ['pricetime_commands_unanswered{instance="a"} 100001x200'],
    "FeedSendFailed": ['pricetime_feed_unsent_reports_total{instance="a"} 0+30x200'],
    "SecondPublisher": ['pricetime_feed_foreign_datagrams_total{instance="a"} 0+30x200'],
    "VolatilityInterruption": ['pricetime_volatility_interruptions_total{instance="a"} 0x100 1x100'],
    "SlowReaders": ['pricetime_slow_readers_total{instance="a"} 0x100 1x100'],
    "FollowerLag": ['pricetime_follower_lag_commands{instance="a"} 500001x200'],
    "JournalLag": ['pricetime_journal_lag_commands{instance="a"} 1000001x200'],
    "SlowDisk": [
        'pricetime_journal_sync_seconds_sum{instance="a"} 0+2.2x200',
        'pricetime_journal_sync_seconds_count{instance="a"} 0+20x200',
    ],
    "NoSnapshots": [
        'pricetime_log_sequence{instance="a"} 10000101x200',
        'pricetime_snapshot_sequence{instance="a"} 100x200',
    ],
    "NoLeader": ['pricetime_cluster_role{instance="a", role="leader"} 0x200'],
    "LeaderChanges": ['pricetime_cluster_leader_changes_total{instance="a"} 0+1x200'],
    "ClusterLag": ['pricetime_cluster_lag_commands{instance="a"} 500001x200'],
    "UnacknowledgedPages": [
        'pricetime_cluster_unacknowledged_pages{instance="a"} 8x200',
        'pricetime_cluster_append_retries_total{instance="a"} 0+1x200',
    ],
    "NatsDisconnected": ['pricetime_cluster_nats_connected{instance="a"} 0x200'],
    "ManyRejects": [
        'pricetime_reports_total{instance="a", kind="rejected", reason="throttled"} 0+4x200',
        'pricetime_reports_total{instance="a", kind="rejected", reason="unknown_order"} 0+2x200',
        'pricetime_reports_total{instance="a", kind="accepted", reason="none"} 0+4x200',
        'pricetime_commands_total{instance="a"} 0+10x200',
    ],
    "WrongSecrets": ['pricetime_logins_rejected_total{instance="a", reason="bad_credentials"} 0+1x200'],
}

TEST = """\
rule_files: [alerts.yml]
evaluation_interval: 5s
tests:
  - interval: 5s
    input_series:
{series}
    promql_expr_test:
      - expr: group by (alertname) (ALERTS{{alertstate="firing"}})
        eval_time: 10m
        exp_samples: [{{labels: '{{alertname="{alert}"}}', value: 1}}]
"""


def promtool(*arguments: str, folder: Path = FOLDER) -> str:
    """What it says. It comes with Prometheus."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    ran = subprocess.run([tool, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_promtool_takes_rules_and_configuration() -> None:
    assert f"{len(SERIES)} rules found" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


def test_they_are_about_metrics_that_there_are() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    known = {meter.name for section in meters.SECTIONS for meter in section.meters()}
    assert re.findall(r"alert: (\w+)", text) == list(SERIES)
    assert metrics_of(text) <= known


@pytest.mark.parametrize("alert", SERIES)
def test_it_comes_and_no_other(alert: str, tmp_path: Path) -> None:
    shutil.copy(ALERTS, tmp_path)
    series = ""
    for text in SERIES[alert]:
        name, _, values = text.partition("} ")
        series += f"      - series: '{name}}}'\n        values: '{values}'\n"
    (tmp_path / "test.yml").write_text(TEST.format(series=series, alert=alert), encoding="utf-8")
    promtool("test", "rules", "test.yml", folder=tmp_path)
