"""Small files that would become large, long or endless: each ends with a reason, in little time and memory."""

import gzip
import resource
import shutil
import sqlite3
import struct
import subprocess
import sys
import time

import pytest

from esl_vm.importers.asterisk_config import AsteriskConfig
from esl_vm.importers.audio import SoundError, convert
from esl_vm.importers.freeswitch_directory import FreeswitchDirectory
from esl_vm.importers.plan import Findings, ImportSourceError, SoundFiles
from esl_vm.sound.wav import wave

MEMORY = 600 << 20
SECONDS = 30  # of the processor's time: a busy machine is no failure
BOUNDED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
from esl_vm.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def bounded(*words):
    """Run a command that may have only so much memory; returns its exit code and last words."""
    ran = subprocess.run(
        [sys.executable, "-c", BOUNDED.format(memory=2 * MEMORY, seconds=SECONDS), *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in ran.stderr, ran.stderr
    assert "MemoryError" not in ran.stderr
    return ran.returncode, ran.stderr.strip()


def zeros(path, size, piece=b"\0"):
    member = gzip.compress(piece * ((1 << 20) // len(piece)), compresslevel=1)
    path.write_bytes(member * (size >> 20))  # a file of several members is read as one
    return path


@pytest.fixture
def place(tmp_path):
    (tmp_path / "storage").mkdir()
    return ["--data-dir", tmp_path / "data", "import", "fusionpbx", "--storage", tmp_path / "storage", "--dry-run"]


@pytest.mark.parametrize(
    ("piece", "why"),
    [(b"\0", "has a line of more than 96 MB"), (b"a" * 4095 + b"\n", "swells to more than")],
)
def test_a_compressed_dump_that_swells(tmp_path, place, piece, why):
    dump = zeros(tmp_path / "dump.sql.gz", 700 << 20, piece)
    assert dump.stat().st_size < 8 << 20
    code, said = bounded(*place, "--dump", dump)
    assert code == 2
    assert why in said


def test_a_compressed_dump_that_is_broken(tmp_path, place):
    dump = tmp_path / "dump.sql.gz"
    dump.write_bytes(gzip.compress(b"-- a dump\n" * 1000)[:-40] + b"\xff" * 40)
    code, said = bounded(*place, "--dump", dump)
    assert code == 2
    assert "can't read" in said


def directory(tmp_path, **files):
    folder = tmp_path / "directory"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.xml").write_text(text)
    return folder


def doubled(times, start="x" * 10):
    sets = [f'<X-PRE-PROCESS cmd="set" data="a0={start}"/>']
    sets += [f'<X-PRE-PROCESS cmd="set" data="a{n + 1}=$${{a{n}}}$${{a{n}}}"/>' for n in range(times)]
    return "\n".join(sets)


@pytest.mark.parametrize(
    "text",
    [
        doubled(30),
        doubled(12) + "\n<p>" + "$${a12}" * 100_000 + "</p>",
        doubled(12) + "\n<p>$${a12}</p>" * 10_000,
        '<X-PRE-PROCESS cmd="include" data="one.xml"/>' * 1 + "\n",
    ],
)
def test_variables_of_variables(tmp_path, text):
    began = time.process_time()
    more = {f"b{n}": f'<X-PRE-PROCESS cmd="include" data="b{n + 1}.xml"/>\n' * 8 for n in range(30)}
    if "include" in text:
        text = text.replace("one.xml", "b0.xml")
        folder = directory(tmp_path, a=text, **more, b30="<p>" + "x" * 5000 + "</p>")
        (folder / "sub").mkdir()
    else:
        folder = directory(tmp_path, a=text)
    with pytest.raises(ImportSourceError, match="swells to more than"):
        FreeswitchDirectory(folder, Findings())
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize(
    "text", ["<!--" * 500_000, "<X-PRE-PROCESS " * 100_000, "<X-PRE-PROCESS " + "a" * 500_000 + ">", "$${" * 500_000]
)
def test_a_file_whose_every_beginning_has_no_end(tmp_path, text):
    began = time.process_time()
    FreeswitchDirectory(directory(tmp_path, a=text), Findings())
    assert time.process_time() - began < SECONDS / 3


def test_includes_without_bound(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.conf").write_text(f"#include {number + 1}.conf\n" * 10 + "[x]\na=" + "y" * 100_000)
    began = time.process_time()
    with pytest.raises(ImportSourceError, match="the same files again and again"):
        AsteriskConfig(tmp_path / "0.conf", Findings())
    assert time.process_time() - began < SECONDS


def test_sections_without_number(tmp_path):
    file = tmp_path / "voicemail.conf"
    file.write_text("".join(f"[s{n}](t{n},+)\na=b\n" for n in range(100_000)))
    began = time.process_time()
    AsteriskConfig(file, Findings())
    assert time.process_time() - began < SECONDS


def test_a_database_whose_table_is_a_view_without_end(tmp_path):
    database = tmp_path / "voicemail.db"
    with sqlite3.connect(database) as made:
        made.execute(
            "CREATE VIEW voicemail_msgs AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
        )
    folder = directory(tmp_path, a="<p/>")
    words = ["import", "mod-voicemail", "--database", database, "--directory", folder, "--storage", folder]
    code, said = bounded("--data-dir", tmp_path / "data", *words, "--dry-run")
    assert code == 2
    assert "no such table" in said


def test_a_tool_that_writes_without_end(tmp_path, monkeypatch):
    """As ffmpeg does for formats of which a few bytes are hours."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ffmpeg").write_text("#!/bin/sh\nexec cat /dev/zero\n")
    (tools / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{shutil.os.environ['PATH']}")
    sound = tmp_path / "a.g729"
    sound.write_bytes(b"x" * 100)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SoundError, match="longer than 6 hours"):
        convert(SoundFiles((sound,), tmp_path), tmp_path / "out.wav")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


def test_a_wav_file_that_says_it_is_four_gigabytes(tmp_path):
    sound = tmp_path / "a.wav"
    sound.write_bytes(wave(bytes(16000), 8000))
    data = bytearray(sound.read_bytes())
    for rate in (0xFFFFFFFF, 0, 1):
        data[24:28] = struct.pack("<I", rate)
        data[40:44] = struct.pack("<I", 0xFFFFFFF0)
        sound.write_bytes(data)
        with pytest.raises(SoundError):
            convert(SoundFiles((sound,), tmp_path), tmp_path / "out.wav")


@pytest.mark.parametrize("text", ["[" * 200_000, '{"mailboxes":' * 100_000])
def test_a_table_nested_without_end(tmp_path, text):
    table = tmp_path / "boxes.json"
    table.write_text(text)
    code, said = bounded("--data-dir", tmp_path / "data", "mailbox", "apply", table, "--dry-run")
    assert code == 2
    assert "is no JSON" in said


def test_a_table_of_a_gigabyte(tmp_path):
    table = tmp_path / "boxes.csv"
    with table.open("wb") as made:
        made.truncate(1 << 30)
    code, said = bounded("--data-dir", tmp_path / "data", "mailbox", "apply", table)
    assert code == 2
    assert "larger than 256 MB" in said
