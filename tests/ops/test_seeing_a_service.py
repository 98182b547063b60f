"""A service of two workers, seen from outside: its figures, its health, its log, its place in the cluster."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


def figures(service):
    """Every sample by name and labels."""
    status, text = service.get("/metrics")
    assert status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counted(service, calls):
    """Every sample, once that many calls are counted: a call's figures are written a moment after it."""
    wait_until(lambda: total(figures(service), "esl_vm_calls_total") >= calls, what=f"{calls} calls counted")
    return figures(service)


def ring(service, *words, **more):
    """A call, until it is counted: or the next test would count it among its own."""
    calls = total(figures(service), "esl_vm_calls_total")
    service.ring(*words, **more)
    return counted(service, calls + 1)


def total(samples, name, **labels):
    return sum(
        value for (found, words), value in samples.items() if found == name and labels.items() <= dict(words).items()
    )


def test_the_service_is_alive_and_ready(service):
    assert service.get("/healthz") == (200, "ok\n")
    wait_until(lambda: service.get("/readyz") == (200, "ok\n"), what="a ready node")


def test_other_pages_are_not_there(service):
    assert service.get("/config")[0] == 404
    host, port = service.status.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=100) as line:
        line.sendall(b"POST /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
        assert b" 405 " in line.recv(4096)


def test_calls_of_both_workers_are_counted_together(service):
    before = figures(service)
    for _ in range(3):
        after = ring(service, "*97", "1234# #")
    assert total(after, "esl_vm_workers") == 2
    kind = {"action": "check", "status": "SUCCESS", "end": "completed"}
    assert total(after, "esl_vm_calls_total", **kind) - total(before, "esl_vm_calls_total", **kind) == 3
    first_sounds = [total(each, "esl_vm_first_sound_seconds_count", action="check") for each in (before, after)]
    assert first_sounds[1] - first_sounds[0] == 3
    assert total(after, "esl_vm_keys_total") - total(before, "esl_vm_keys_total") == 3 * 6
    assert total(after, "esl_vm_key_seconds_count") >= 2 * 3
    assert total(after, "esl_vm_pin_checks_total", result="right") >= 3
    assert total(after, "esl_vm_redis_seconds_count") > total(before, "esl_vm_redis_seconds_count") + 4
    assert total(after, "esl_vm_redis_errors_total") == 0
    assert total(after, "esl_vm_calls_running") == 0


def test_a_call_that_goes_on_is_seen(service):
    calls = total(figures(service), "esl_vm_calls_total")
    with socket.create_connection(service.address.rsplit(":", 1), timeout=100) as line:
        assert line.recv(100) == b"connect\n\n"
        call = "Event-Name: CHANNEL_DATA\nUnique-ID: 11111111-2222-3333-4444-555555555555\nCaller-Destination-Number: *97\n"
        line.sendall(f"{call}Caller-Caller-ID-Number: 1001\nContent-Type: command/reply\nReply-Text: +OK\n\n".encode())
        wait_until(lambda: total(figures(service), "esl_vm_calls_running") == 1, what="the call")
    wait_until(lambda: total(figures(service), "esl_vm_calls_running") == 0, what="its end")
    assert total(counted(service, calls + 1), "esl_vm_calls_total", end="hung up") == 1


def test_what_a_dead_worker_counted_stays_and_it_is_started_again(service):
    calls = total(figures(service), "esl_vm_calls_total")
    before = service.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_until(
        lambda: (
            service.workers() != before
            and len(service.workers()) == len(before)
            and total(figures(service), "esl_vm_workers") == 2
        ),
        what="another worker",
    )
    assert total(figures(service), "esl_vm_calls_total") >= calls


def test_a_reload_leaves_no_gap_in_what_is_seen(service):
    calls = total(figures(service), "esl_vm_calls_total")
    before = set(service.workers())
    service.process.send_signal(signal.SIGHUP)
    wait_until(
        lambda: (
            service.get("/healthz") == (200, "ok\n")
            and not before & set(service.workers())
            and total(figures(service), "esl_vm_workers") == 2
        ),
        what="new processes",
    )
    assert total(figures(service), "esl_vm_calls_total") == calls
    [node] = json.loads(service.run("top", "--json"))["nodes"]
    assert node["alive"]


def test_promtool_has_no_objection(service):
    if not shutil.which("promtool"):
        pytest.skip("promtool, of the package prometheus, is not installed")
    text = service.get("/metrics")[1]
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def call_records(service):
    """Those in the log so far; a record is written a moment after its call has ended."""
    return [record for record in map(json.loads, service.log.read_text().splitlines()) if "call" in record]


def test_the_log_has_one_line_for_a_call_and_its_keys_are_only_counted(service):
    ring(service, "*97", "1234# * #")  # no other test's call has seven keys
    [record] = wait_until(lambda: [one for one in call_records(service) if one["keys"] == 7], what="the record")
    assert re.fullmatch(r"[0-9a-f-]{36}", record["call"])
    assert (record["action"], record["from"], record["to"]) == ("check", "1001", "*97")
    assert record["mailbox"] == "1001@default"
    assert (record["status"], record["end"], record["keys"], record["node"]) == ("SUCCESS", "completed", 7, "node-1")
    assert record["applications"] >= 3
    assert 0 < record["first_sound_s"] < record["seconds"]
    assert "1234" not in json.dumps({name: told for name, told in record.items() if name not in {"call", "process"}})


def test_the_mailbox_in_a_record_is_the_one_that_was_visited(service):
    ring(service, "*97", "1234# 0 5 7319# 7319# * #", sender="1002")  # the first PIN opens from no other telephone
    ring(service, "*98", "1002# 7319# #")  # from 1001's telephone
    ring(service, "*98", "#")

    def visits():
        logged = [record for record in call_records(service) if record["action"] == "login"]
        return sorted((record["from"], record["mailbox"]) for record in logged)

    wait_until(lambda: visits() == [("1001", ""), ("1001", "1002@default")], what="both records")


def test_the_audit_trail_says_who_heard_and_who_changed_what(service):
    ring(service, "*97", "9999# 1234# #")
    service.run("mailbox", "set", "1002", "name=Robert Tremblay")
    happened = [json.loads(line) for line in service.run("events", "--last", "20", "--json").splitlines()]
    wrong = [event for event in happened if event["what"] == "login-failed"][-1]
    right = [event for event in happened if event["what"] == "login"][-1]
    assert re.fullmatch(r"phone 1001 [0-9a-f-]{36}", wrong["details"]["by"])
    assert right["details"]["by"] == wrong["details"]["by"]
    assert (wrong["details"]["from"], right["details"]["from"]) == ("1001", "1001")
    changed = [event for event in happened if event["what"] == "box-changed"][-1]
    assert changed["mailbox"] == "1002@default"
    assert re.fullmatch(r"command \S+@\S+", changed["details"]["by"])


def test_the_node_is_in_the_clusters_list(service):
    found = wait_until(
        lambda: [n for n in json.loads(service.run("top", "--json"))["nodes"] if n["ready"] == "yes"], what="the node"
    )
    [node] = found
    assert (node["name"], node["alive"], node["listen"]) == ("node-1", True, service.address)
    assert node["workers"] == 2
    once = service.run("top", "--once")
    assert "node-1" in once
    assert "schema 1" in once


def test_doctor_leaves_nothing_in_the_service_s_own_log(service, tmp_path):
    settings = tmp_path / "esl-vm.toml"
    status = service.status.removeprefix("http://")
    settings.write_text(f'service.listen = "{service.address}"\nmetrics.listen = "{status}"\n')
    before = service.log.read_text()
    for _ in range(3):
        findings = json.loads(service.run("--config", settings, "doctor", "--json", code=None))
        assert f"calls are taken on {service.address}" in [finding["said"] for finding in findings]
    ring(service, "*97", "1234# #")  # what doctor had caused would stand before this call's line
    said = [json.loads(line) for line in service.log.read_text().removeprefix(before).splitlines()]
    assert [line["message"] for line in said if line["level"] in {"warning", "error"}] == []
    assert not any("no call from" in line["message"] for line in said)


def test_doctor_and_the_bundle_tell_of_the_node(service, tmp_path):
    findings = json.loads(service.run("doctor", "--json", code=None))  # 1 on a machine without prompts
    said_of_nodes = [finding["said"] for finding in findings if finding["area"] == "cluster"]
    assert [said for said in said_of_nodes if said.startswith("one node is alive, version")]
    file = tmp_path / "support.tar.gz"
    said = service.run("support-bundle", str(file))
    assert str(file) in said
    listed = subprocess.run(["tar", "-xOzf", file, "esl-vm-support/cluster.json"], capture_output=True, check=True)
    assert [node["name"] for node in json.loads(listed.stdout)["nodes"]] == ["node-1"]
    assert file.stat().st_mode & 0o077 == 0
    service.run("support-bundle", str(file), code=2)
