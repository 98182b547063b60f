"""scripts/alerts.yml and scripts/grafana-dashboard.json ask for figures that there are, and say commands that there are."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from seeing import a_counted_call, a_snapshot

from esl_vm.cli.main import build_parser
from esl_vm.ops.metrics import Metrics

SCRIPTS = Path(__file__).parents[2] / "scripts"
ALERTS = (SCRIPTS / "alerts.yml").read_text(encoding="utf-8")
DASHBOARD = json.loads((SCRIPTS / "grafana-dashboard.json").read_text(encoding="utf-8"))
EXPRESSIONS = [line.split("expr:", 1)[1].strip() for line in ALERTS.splitlines() if "expr:" in line]
TARGETS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def exported():
    """Names of samples, and the labels each may have."""
    metrics = Metrics()
    a_counted_call(metrics)
    text = metrics.exposition(a_snapshot).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *TARGETS])
def test_what_is_asked_for_is_exported(exported, expression):
    asked = re.findall(r"\b(esl_vm_\w+)(?:\{([^}]*)\})?", expression)
    assert asked or "up{" in expression
    for name, selector in asked:
        assert name in exported, name
        for label in re.findall(r"(\w+)\s*[=!]", selector):
            assert label in exported[name] | {"instance", "job"}, f"{name}: {label}"


def test_every_figure_of_a_node_is_on_the_dashboard_or_watched(exported):
    everything = " ".join([*EXPRESSIONS, *TARGETS])
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported if not name.endswith("_created")}
    assert {name for name in families if name not in everything} <= {"esl_vm_keys_total"}


def test_the_dashboard_is_one_that_grafana_takes():
    assert DASHBOARD["uid"] == "esl-vm"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids) > 15
    spots = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        mine = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not mine & spots, panel["title"]
        spots |= mine


def test_the_commands_the_alerts_name_are_there():
    named = re.findall(r"esl-vm (?:spool|mail|events|top|doctor)[^:;.,\"]*", ALERTS)
    assert len(named) > 8
    for command in named:
        words = shlex.split(re.sub(r" (says why|tries again).*", "", command))
        build_parser().parse_args(words[1:])


def test_promtool_takes_the_rules_and_they_fire_when_they_should(tmp_path):
    if not shutil.which("promtool"):
        pytest.skip("promtool, of the package prometheus, is not installed")
    cases = {  # a series, and from which on of its values, one every 30 s, somebody is called
        "VoicemailRedisAway": ('esl_vm_redis_up{instance="a"}', "1 1 1 1 0x20", 5),
        "VoicemailSpoolWaits": ('esl_vm_spool_oldest_seconds{instance="a"}', "0 400x20", 11),
        "VoicemailCallsFail": ('esl_vm_calls_total{instance="a",end="failed"}', "0 0 1+1x20", 4),
        "VoicemailNobodyTakesCalls": ('esl_vm_workers{instance="a"}', "2 0x20", 3),
    }
    lines = [f"rule_files: ['{SCRIPTS / 'alerts.yml'}']", "evaluation_interval: 30s", "tests:"]
    for alert, (series, values, fires) in cases.items():
        lines += ["  - interval: 30s", "    input_series:", f"      - {{series: '{series}', values: '{values}'}}"]
        lines += ["    promql_expr_test:"]
        for step, expected in ((fires - 1, "[]"), (fires, "[{labels: '{}', value: 1}]")):
            firing = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'
            lines += [f"      - {{expr: '{firing}', eval_time: {step * 30}s, exp_samples: {expected}}}"]
    rules = tmp_path / "rules_test.yml"
    rules.write_text("\n".join(lines) + "\n")
    for words in (["check", "rules", SCRIPTS / "alerts.yml"], ["test", "rules", rules]):
        ran = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
