"""The wheel has all that the service needs; one that is installed from it takes a call, and has its page."""

import json
import shutil
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from support.served import Service
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: the build leaves things behind."""
    copy, folder = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "esl_vm", "dialplan", "scripts"):
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(place, copy / name)
    built = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=copy, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_every_file_of_the_package_and_the_dialplan_is_in_it(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "esl_vm").rglob("*") if path.is_file()}
    assert {name for name in package if "__pycache__" not in name} <= inside
    data = {name.partition(".data/data/")[2] for name in inside}
    assert {f"share/esl-vm/dialplan/{path.name}" for path in (ROOT / "dialplan").glob("*.xml")} <= data
    assert {f"share/esl-vm/dialplan/scripts/{path.name}" for path in (ROOT / "dialplan/scripts").iterdir()} <= data
    assert {"share/esl-vm/esl-vm.service", "share/esl-vm/alerts.yml"} <= data


def messages_in(folder, service):
    """From whom they are."""
    there = json.loads(service.run("message", "list", "1001@default", "--folder", folder, "--json"))
    return {message["caller_number"] for message in there}


def takes_a_call(folder):
    """A service with its web, made of what this Python imports: a message is left, and its owner hears it."""
    service = Service(folder, web=True)
    try:
        assert b"<form" in urllib.request.urlopen(service.web, timeout=60).read()
        service.ring("1001", "# # 1", sender="1003")
        assert "1003" in messages_in("new", service)
        service.ring("*97", "1234# 1 #")  # the demo's urgent message comes first
        wait_until(lambda: "1002" in messages_in("old", service))  # he has hung up; the service may not know it yet
    finally:
        service.close()


@pytest.mark.slow
def test_it_installs_into_an_empty_environment(wheel, tmp_path, monkeypatch):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True)
    assert (tmp_path / "venv/share/esl-vm/dialplan/42_voicemail_leave.xml").is_file()
    told = subprocess.check_output([tmp_path / "venv/bin/esl-vm", "--help"], text=True)
    assert "ring the voicemail from this terminal" in told
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)
    takes_a_call(tmp_path)
