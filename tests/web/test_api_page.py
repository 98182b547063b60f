"""docs/api.md: every example is run as it stands, and does what the page says; web.md: its settings and commands hold."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from esl_vm.model.settings_check import settings_from
from esl_vm.web.factory import api_routes

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ANSWERS_FOR_NOBODY = {404}


@pytest.fixture(scope="module")
def portal(served):
    """The mailboxes of the page, in its domain."""
    from support.web_house import House

    house = House(served)
    alice = house.box("1001", domain="default", callback="yes", call_patterns="514XXXXXXX")
    house.reports("media-1", freeswitch="up")
    house.box("1002", domain="default")
    for _ in range(2):
        house.message(alice)
    token = house.token("*", domains=["default"]).token
    service = house.token("service.*", everywhere=True).token
    yield {"API": f"{served.url}/api/v1", "TOKEN": token, "SERVICE": service, "PATH": os.environ["PATH"]}
    house.store.cluster.leave("media-1")
    for box in list(house.store.registry.boxes("default")):
        house.store.registry.remove(box)


def test_every_example_does_what_it_says(portal, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    marked = "\n".join(BLOCKS).replace("curl -s ", 'curl -s -w "\\n<%{http_code}>\\n" ')
    # What is kept in a variable is no place for a mark.
    marked = re.sub(r"\$\(curl -s -w \S+ ", "$(curl -s ", marked)
    ran = subprocess.run(
        ["bash", "-eu", "-c", marked],
        cwd=tmp_path,
        env=portal,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    statuses = [int(word) for word in re.findall(r"^<(\d+)>$", ran.stdout, re.MULTILINE)]
    assert len(statuses) == marked.count("-w ")
    assert [status for status in statuses[:-1] if status >= 300] == [], ran.stdout
    assert statuses[-1] == 404
    shown = json.loads(re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[0])
    told = json.loads(ran.stdout.rpartition("\n{")[2].join(["{", ""]).partition("\n<")[0])
    assert {**told, "request": ""} == {**shown, "request": ""}


def test_every_kind_of_thing_has_an_example():
    used = {re.sub(r"\$\w+|\d{4}@default|900@default|temporary", "{}", path).partition("?")[0] for path in
            re.findall(r'\$API(/[^" ]*)"', PAGE)}  # fmt: skip
    routes = {re.sub(r"{\w+}", "{}", route.path.removeprefix("/api/v1")) for route in api_routes()}
    assert used - routes == set()
    for kind in ("mailboxes", "messages", "greetings", "lists", "broadcasts", "events", "session", "notifications"):
        assert any(kind in path for path in used), kind


def test_the_settings_of_the_page_are_accepted():
    text = (DOCS / "web.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert examples
    for settings in examples:
        assert settings_from(tomllib.loads(settings)).web.url == "https://voicemail.example.com"
