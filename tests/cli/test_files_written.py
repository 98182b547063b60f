"""Files that commands write: private, whole, never through a link."""

import json
import os
import stat

import pytest
from support.hostile_names import hostile_callers

from esl_vm.cli.files import write_file, write_new, write_text
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.message import Caller
from esl_vm.ops.checks import check_settings


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_whatever_is_exported_is_its_owners_alone(vm, leave, tmp_path):
    vm("mailbox", "add", "1001", "--no-pin")
    message = leave("1001", caller=Caller("1002", "Bob"))
    sound, table, tree = tmp_path / "a.wav", tmp_path / "boxes.csv", tmp_path / "asterisk"
    assert vm("message", "export", "1001", message, sound).code == 0
    assert vm("mailbox", "export", table).code == 0
    assert vm("export", "asterisk", "--to", tree).code == 0
    bundle = tmp_path / "bundle.tar.gz"
    vm("support-bundle", bundle)
    found = [sound, table, bundle, tree, *tree.rglob("*")]
    assert len(found) > 8
    assert {mode(path) & 0o077 for path in found} == {0}


def test_a_link_is_replaced_and_what_it_leads_to_left_alone(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(precious)
    write_text("new", str(link))
    assert precious.read_text() == "precious"
    assert (link.read_text(), link.is_symlink(), mode(link)) == ("new", False, 0o600)


def test_a_bundle_is_not_written_through_a_link_to_nowhere(vm, tmp_path):
    link = tmp_path / "bundle.tar.gz"
    link.symlink_to(tmp_path / "nowhere")
    ran = vm("support-bundle", link)
    assert ran.code == 2
    assert "is there already" in ran.err
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(InvalidValueError):
        write_new(link, b"x")


def test_a_pipe_takes_the_bytes_unless_it_is_somebody_elses(tmp_path):
    source, pipe = tmp_path / "source", tmp_path / "pipe"
    source.write_bytes(b"sound")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(source, str(pipe))
    assert os.read(reader, 100) == b"sound"
    link = tmp_path / "link"
    link.symlink_to(pipe)
    with pytest.raises(OSError, match="symbolic links"):
        write_file(source, str(link))
    if os.geteuid() == 0:
        os.chown(pipe, 12345, 12345)
        with pytest.raises(InvalidValueError, match="somebody else"):
            write_file(source, str(pipe))
    os.close(reader)


def test_a_callers_name_is_one_value_in_what_asterisk_reads(vm, leave, tmp_path):
    vm("mailbox", "add", "1001", "--no-pin")
    callers = [caller for caller in hostile_callers()[::50] if caller.name]
    for caller in callers:
        leave("1001", seconds=0.1, caller=Caller(caller.number, caller.name))
    report = vm("export", "asterisk", "--to", tmp_path / "out", "--json").json
    assert report["messages"]["exported"] == len(callers)
    for text in (tmp_path / "out").rglob("msg*.txt"):
        lines = text.read_text("utf-8").split("\n")
        assert len(lines) == 4 + 13 + 1
        assert [line.partition("=")[0] for line in lines[4:-1]][6] == "callerid"
    assert json.dumps(report)


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ('redis.url = "redis://:secret@localhost/0"', "redis.url"),
        ('redis.url = "redis://localhost/0?password=secret"', "redis.url"),
        ('mail.password = "secret"', "mail.password"),
        ('notify.password = "secret"', "notify.password"),
        ('webhook.secret = "secret"', "webhook.secret"),
        (
            'oidc.issuer = "https://id.example"\noidc.client_id = "x"\noidc.mailbox_claim = "x"\noidc.client_secret = "secret"',
            "oidc.client_secret",
        ),
        ('audio.secret_key = "secret"\naudio.access_key = "a"', "audio.secret_key"),
    ],
)
def test_a_settings_file_with_a_secret_that_everybody_may_read_is_told(tmp_path, line, held):
    file = tmp_path / "esl-vm.toml"
    file.write_text(line)
    file.chmod(0o644)
    [found] = [one for one in check_settings(load_settings(file, {}), file) if one.level != "ok"]
    assert f"{file} holds {held} and everybody" in found.said
    file.chmod(0o640)
    assert [one.level for one in check_settings(load_settings(file, {}), file)] == ["ok"]


def test_of_password_files_the_files_are_told_and_not_the_settings_that_name_them(tmp_path):
    file, secret = tmp_path / "esl-vm.toml", tmp_path / "password"
    secret.write_text("secret")
    file.write_text(
        f'notify.password_file = "{secret}"\nmail.password_file = "{secret}"\noidc.client_secret_file = "{secret}"'
    )
    file.chmod(0o644)
    secret.chmod(0o604)
    [found] = [one for one in check_settings(load_settings(file, {}), file) if one.level != "ok"]
    assert f"{secret} holds notify.password, mail.password, oidc.client_secret" in found.said
    secret.chmod(0o600)
    assert [one.level for one in check_settings(load_settings(file, {}), file)] == ["ok"]


def test_a_mail_password_that_goes_unprotected_is_told(tmp_path):
    file = tmp_path / "esl-vm.toml"
    file.write_text('mail.host = "mail.example.com"\nmail.password = "secret"')
    file.chmod(0o600)
    assert "mail.security = none" in [one.said for one in check_settings(load_settings(file, {}), file)][-1]
    given = {"mail.security": "starttls"}
    assert [one.level for one in check_settings(load_settings(file, given), file)] == ["ok"]
