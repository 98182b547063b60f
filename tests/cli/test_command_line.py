"""The command as a whole: help, wrong usage, settings, exit codes."""

import itertools
import re
import subprocess
import sys
import tomllib

import pytest

from esl_vm.cli.main import COMMANDS, build_parser
from esl_vm.model.settings import Settings

DESIGNED = {
    "serve": [],
    "phone": [],
    "notify": [],
    "mailbox": ["add", "set", "show", "list", "remove", "pin", "unlock"],
    "message": ["list", "show", "export", "move", "delete", "restore"],
    "greeting": ["list", "import", "export", "remove"],
    "import": ["asterisk", "mod-voicemail", "fusionpbx"],
    "spool": ["list", "settle"],
    "prompts": ["check", "build"],
    "events": [],
    "mail": ["list", "retry"],
    "setup": [],
    "doctor": [],
    "config": [],
}


@pytest.mark.parametrize(("name", "subs"), DESIGNED.items())
def test_every_command_is_there_and_explains_itself(name, subs, capsys):
    parser = build_parser().commands[name]
    if subs:
        assert set(subs) <= set(parser.commands)
    for one in [parser, *[parser.commands[sub] for sub in subs]]:
        text = one.format_help()
        assert "exit codes:" in text
        assert "--redis URL" in text


def test_each_command_is_in_its_module_and_is_known_without_the_others():
    whole = build_parser().commands
    assert list(whole) == list(COMMANDS)
    for name, command in whole.items():
        assert build_parser(name).commands[name].format_help() == command.format_help()


@pytest.mark.parametrize(
    "words", [["mailbx", "list"], ["--config", "mailbox", "mailbx"], ["--redis=mailbox", "mailbx"]]
)
def test_what_is_no_command_says_which_was_meant_whatever_stands_before_it(vm, words):
    ran = vm(*words)
    assert ran.code == 2
    assert "did you mean mailbox?" in ran.err


def test_a_global_option_may_have_a_command_for_its_value(vm):
    assert vm("--data-dir", "mailbox", "config", "--json").json["data_dir"].endswith("/mailbox")


def test_a_mistyped_command_says_what_was_meant(vm):
    ran = vm("mailbox", "shwo", "1001")
    assert ran.code == 2
    assert "did you mean show?" in ran.err
    assert "Traceback" not in ran.err


def test_no_command_at_all_is_wrong_usage(vm):
    assert vm().code == 2


def test_global_options_may_stand_after_the_command(vm, redis_url, tmp_path):
    ran = vm("config", "--json", "--data-dir", tmp_path / "elsewhere", "--redis", redis_url)
    assert ran.json["data_dir"] == str(tmp_path / "elsewhere")


def test_the_command_starts_quickly_since_it_imports_what_it_needs_only():
    told = subprocess.run(
        [sys.executable, "-c", "import sys; import esl_vm.cli.main; print(*sorted(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    heavy = {"gevent", "redis", "greenswitch", "boto3", "jinja2", "numpy", "soundfile", "rich", "msgpack"}
    heavy |= {"tomllib", "email.message", "uuid", "tarfile", "platform"}
    heavy |= {"esl_vm.service.worker", "esl_vm.ops.examine", "esl_vm.model.call", "esl_vm.actions.mailbox_changes"}
    assert not heavy & set(told.stdout.split())


def test_the_supervisor_of_the_service_imports_nothing_that_gevent_patches():
    imports = (
        "esl_vm.service.wiring, esl_vm.cli.serve, esl_vm.service.supervisor, esl_vm.ops.logs, esl_vm.store.embedded"
    )
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {imports}; print(*sorted(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not {"gevent", "redis", "greenswitch", "ssl"} & set(told.stdout.split())


def test_python_dash_m_is_the_command():
    ran = subprocess.run([sys.executable, "-m", "esl_vm", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("esl-vm ")


def test_what_is_closed_early_is_no_error(redis_url):
    ran = subprocess.run(
        f"{sys.executable} -m esl_vm --redis {redis_url} config | head -1",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stderr == ""


class TestConfig:
    def test_what_is_shown_can_be_used_as_a_settings_file(self, vm, tmp_path):
        shown = vm("config").out
        file = tmp_path / "esl-vm.toml"
        file.write_text(shown)
        again = vm("--config", file, "config")
        assert again.code == 0
        assert tomllib.loads(again.out) == tomllib.loads(shown)

    def test_every_setting_is_explained_with_what_it_may_be_and_where_it_was_set(self, vm, tmp_path):
        import dataclasses

        file = tmp_path / "esl-vm.toml"
        file.write_text("[service]\nworkers = 3\n[mailbox]\nforce-name = true\n[waits]\nmenu_ms = 5000\n")
        lines = vm("--config", file, "config").out.splitlines()
        about = {}
        table = ""
        for comment, line in itertools.pairwise(lines):
            if line.startswith("["):
                table = line.strip("[]") + "."
            elif line and not line.startswith("#"):
                about[table + line.partition(" ")[0]] = comment
        settings = Settings()
        for section in dataclasses.fields(Settings):
            part = getattr(settings, section.name)
            for setting in dataclasses.fields(part) if dataclasses.is_dataclass(part) else [None]:
                name = f"{section.name}.{setting.name}" if setting else section.name
                meaning, values = re.fullmatch(r"# (.{8,}) \[(.+)\]", about.pop(name)).groups()
                assert meaning.count("[") == meaning.count("]"), name
                if setting and isinstance(setting.default, int) and not isinstance(setting.default, bool):
                    low, high = re.match(r"(\d+) to (\d+)|((?:\d+, )*\d+)", values).group(1, 2)
                    assert low is None or int(low) <= setting.default <= int(high) < 10**10, name
                where = {"service.workers": 1, "mailbox.force_name": "false", "waits.menu_ms": 6000}.get(name)
                if where is not None:
                    assert values.endswith(f"; default {where}; set in {file}")
                elif name not in {"data_dir", "redis.url"}:
                    assert "; default" not in values, name
                else:
                    assert values.endswith("; set on the command line")
        assert about == {}

    def test_the_file_is_read_and_the_command_line_counts_more(self, vm, tmp_path):
        file = tmp_path / "esl-vm.toml"
        file.write_text('data_dir = "ignored"\n[service]\nworkers = 3\n[spool]\nfolder = "takes"\n')
        shown = vm("config", "--json", "--config", file).json
        assert shown["service"]["workers"] == 3
        assert shown["spool"]["folder"] == str(tmp_path / "takes")  # relative to the file
        assert shown["data_dir"] == str(tmp_path / "data")

    def test_the_environment_may_name_the_file(self, vm, tmp_path, monkeypatch):
        file = tmp_path / "named.toml"
        file.write_text("[service]\nworkers = 5\n")
        monkeypatch.setenv("ESL_VM_CONFIG", str(file))
        assert vm("config", "--json").json["service"]["workers"] == 5

    def test_secrets_are_masked_wherever_they_stand(self, vm, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("hunter2-file\n")
        file = tmp_path / "esl-vm.toml"
        file.write_text(
            f'[notify]\npassword_file = "{secret}"\n'
            '[mail]\npassword = "hunter2-mail"\n'
            '[webhook]\nurl = "https://user:hunter2-url@example.com/?token=hunter2-token"\nsecret = "hunter2-hook"\n'
        )
        url = "redis://vm:hunter2-redis@127.0.0.1:6390/0?sentinel_password=hunter2-sentinel"
        for words in (["config"], ["config", "--json"]):
            ran = vm("--config", file, "--redis", url, *words)
            assert ran.code == 0
            assert "hunter2" not in ran.out
            assert "****" in ran.out

    def test_all_problems_of_a_settings_file_are_told_and_nothing_is_done(self, vm, tmp_path):
        file = tmp_path / "esl-vm.toml"
        file.write_text('[service]\nworker = 3\nlisten = "nowhere"\n')
        ran = vm("--config", file, "mailbox", "list")
        assert ran.code == 2
        assert "service.worker: no such setting; did you mean workers?" in ran.err
        assert "service.listen: an address is HOST:PORT" in ran.err

    @pytest.mark.parametrize("content", [b"[service\n", b"\xff\xfe", b"a = 1\na = 2\n"])
    def test_what_is_no_toml_is_told_with_the_files_name(self, vm, tmp_path, content):
        file = tmp_path / "esl-vm.toml"
        file.write_bytes(content)
        ran = vm("--config", file, "config")
        assert ran.code == 2
        assert "esl-vm.toml: not TOML" in ran.err

    def test_a_settings_file_that_is_not_there_is_told(self, vm, tmp_path):
        ran = vm("--config", tmp_path / "none.toml", "config")
        assert ran.code == 2
        assert "No such file" in ran.err

    def test_a_password_file_that_is_not_there_is_told(self, vm, tmp_path):
        file = tmp_path / "esl-vm.toml"
        file.write_text('[mail]\npassword_file = "none"\n')
        ran = vm("--config", file, "config")
        assert ran.code == 2
        assert "mail.password_file" in ran.err


def test_redis_away_is_one_sentence_and_exit_1(vm):
    ran = vm("mailbox", "list", at="redis://127.0.0.1:1")
    assert ran.code == 1
    assert "can't be reached" in ran.err
    assert "Traceback" not in ran.err


def test_a_redis_of_another_installation_is_refused(vm, redis_url):
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.hset("vm:meta", mapping={"schema": 1, "partitions": 64})
    ran = vm("mailbox", "list")
    assert ran.code == 2
    assert "64 partitions" in ran.err
