"""A node on which `doctor` finds something, and on which its remedy is done as it is written."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from support.redis_servers import redis_executable
from support.switch_neighbour import SwitchNeighbour, api_response

from esl_vm.cli.main import main
from esl_vm.cli.settings_file import load_settings
from esl_vm.service.wiring import open_node

PROGRAMS = ("esl-vm", "redis-cli", "chmod", "chgrp", "chown", "fs_cli", "apt-get", "systemctl")
SOCKET = '<action application="socket" data="127.0.0.1:8084 async full"/>'
ROOT = Path(__file__).parents[2]


def parts(remedy):
    """What there is to type or to write in a remedy: between backquotes, or all of it where it begins with a program."""
    return re.findall(r"`([^`]+)`", remedy) or [remedy] * remedy.startswith(PROGRAMS)


def pattern(template):
    """A remedy as the code has it, as what it says when its `{}` are filled in."""
    return re.compile(".*".join(map(re.escape, template.split("{}"))))


class Switch(SwitchNeighbour):
    """A FreeSWITCH's event socket that answers as its configuration says."""

    def __init__(self):
        self.modules = {
            *("mod_event_socket", "mod_dptools", "mod_commands", "mod_sndfile", "mod_tone_stream", "mod_dialplan_xml"),
            "mod_logfile",
        }
        self.contexts = {"default": f'<extension name="own"><condition>{SOCKET}</condition></extension>'}
        self.profile = "<inbound-codecs>OPUS,PCMU</inbound-codecs><dtmf-mode>rfc2833</dtmf-mode>"
        self.files = {"switch.conf": "", "logfile.conf": '<map name="all" value="notice,warning"/>'}
        self.in_group = True
        self.may_write = True
        super().__init__()

    def manner(self, step):
        return super().manner(step) if step != "api" else None

    def converse(self, line):
        line.answer("connect", usual=b"Content-Type: auth/request\n\n")
        while True:
            message = b""
            while not message.endswith(b"\n\n"):
                message += line.read_line()
            word, _, rest = message.decode().strip().partition(" ")
            usual = b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
            line.answer(word, usual=api_response(self.api(rest)) if word == "api" else usual)

    def api(self, asked):
        """What FreeSWITCH says to a command."""
        command, _, rest = asked.partition(" ")
        match command, rest:
            case "version", _:
                return "FreeSWITCH Version 1.10.12-release"
            case "module_exists", name:
                return str(name in self.modules).lower()
            case "unload", name:
                self.modules.discard(name)
                return "+OK"
            case "file_exists", name:
                return str(self.in_group and Path(name).exists()).lower()
            case "originate", _:
                return "+OK"
            case "uuid_record", _:
                return "+OK Success" if self.may_write or " /tmp/.probe" in rest else "-ERR Cannot record session!"
            case "sofia", "xmlstatus":
                return "<profiles><profile><name>internal</name></profile></profiles>"
            case "sofia", gateway if gateway.startswith("status gateway "):
                return "Invalid Gateway!" if gateway.endswith(" nowhere") else "State REGED"
            case "sofia", _:
                return f"<profile>{self.profile}</profile>"
            case "xml_locate", _:
                name = rest.rpartition(" ")[2]
                if rest.startswith("dialplan"):
                    plan = self.contexts.get(name)
                    return f'<context name="{name}">{plan}</context>' if plan else "can't find anything"
                return f"<configuration>{self.files.get(name, '')}</configuration>"
        return "ok"


class Bench:
    """One node: its settings, `doctor`, and whoever does what it says.

    Attributes:
        settings: those of its file, by their dotted names. data: its data folder.
    """

    def __init__(self, folder, redis_url, capsys):
        self.folder, self.data, self._capsys = folder, folder / "data", capsys
        self.file = folder / "esl-vm.toml"
        self.settings = {"redis.url": redis_url, "data_dir": str(self.data), "service.node": "node-1"}
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def write(self):
        """The settings file as it is now."""
        self.file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items()))

    @contextlib.contextmanager
    def node(self):
        """The stores of this node."""
        with open_node(load_settings(None, self.settings)) as node:
            yield node

    def esl_vm(self, *words):
        """Run a command with these settings: its exit code, and what it printed."""
        self.write()
        self._capsys.readouterr()
        try:
            code = main(["--config", str(self.file), *words])
        except SystemExit as left:
            code = left.code
        return code, self._capsys.readouterr().out

    def doctor(self, *words):
        """What it finds that is not as it should be."""
        _, said = self.esl_vm("doctor", "--json", *words)
        return [one for one in json.loads(said) if one["level"] != "ok"]

    def do(self, part, typed="", **names):
        """Type a command of a remedy, or put its setting into the file.

        Args:
            part: as the remedy has it. typed: what the command asks for.
            names: what stands for what it leaves open (`FILE`, `ID`, …).
        """
        for name, value in names.items():
            assert re.search(rf"\b{name}\b", part), part
            part = re.sub(rf"\b{name}\b", str(value), part)
        if replicas := re.fullmatch(r"wait_replicas=\d+", part):
            url, _, _ = self.settings["redis.url"].partition("?")
            self.settings["redis.url"] = f"{url}?{replicas[0]}"
        elif setting := re.fullmatch(r"([a-z_]+\.[a-z_]+) = (.+)", part):
            self.settings[setting[1]] = json.loads(setting[2])
        else:
            assert part.startswith(PROGRAMS), part
            for line in part.split("; "):
                self._type(line, typed)

    def _type(self, line, typed):
        program, *words = shlex.split(line)
        if program == "esl-vm":
            code, said = self.esl_vm(*words)
            assert code == 0 or words[0] == "doctor", said
            return
        beside = str(Path(redis_executable()).parent)
        path = f"{os.environ['PATH']}{os.pathsep}{beside}"
        if program == "redis-cli" and not shutil.which(program, path=path):
            pytest.skip("no redis-cli here")
        ran = subprocess.run(
            ["bash", "-c", line],
            capture_output=True, text=True, input=typed, timeout=100, check=False, env=os.environ | {"PATH": path},
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert "ERR" not in ran.stdout, ran.stdout

    def switch(self):
        """A FreeSWITCH beside this node."""
        made = self._stack.enter_context(Switch())
        self.settings |= {"notify.freeswitch": f"127.0.0.1:{made.port}", "notify.password": "ClueCon"}
        return made

    def prompts(self):
        """A folder with all recordings of Asterisk's, each without a sound."""
        from esl_vm.speech.words import prompt_names

        folder = self.folder / "sounds"
        for language in ("fr", "en"):
            for name in prompt_names(language):
                path = folder / language / f"{name}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"RIFF" * 20)
        self.settings["speech.prompts"] = str(folder)
        return folder


def others_may(path, bits=stat.S_IRWXO):
    return bool(path.stat().st_mode & bits)


def as_root():
    return os.geteuid() == 0
