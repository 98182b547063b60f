"""`esl-vm import` and `export`: moving in by command, with the exit codes agreed."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data/migration"
ASTERISK = (
    "import", "asterisk", "--config", DATA / "asterisk/etc/voicemail.conf", "--spool", DATA / "asterisk/spool/voicemail",
)  # fmt: skip
MODULE = (
    "import", "mod-voicemail", "--database", DATA / "mod-voicemail/voicemail_default.db",
    "--storage", DATA / "mod-voicemail/storage", "--directory", DATA / "mod-voicemail/directory",
)  # fmt: skip
FUSION = (
    "import", "fusionpbx", "--dump", DATA / "fusionpbx/fusionpbx.sql", "--storage", DATA / "fusionpbx/storage",
)  # fmt: skip
SOURCES = {"asterisk": ASTERISK, "mod-voicemail": MODULE, "fusionpbx": FUSION}


def expected(source):
    return json.loads((DATA / source / "EXPECTED.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("source", "words"), SOURCES.items())
def test_everything_comes_and_a_second_import_changes_nothing(vm, source, words):
    ran = vm(*words, "--json")
    assert ran.code == 1  # all of these have items to report
    report = json.loads(ran.out)
    assert report["reconciled"]
    assert report["counts"] == expected(source)["report"]["counts"]
    boxes = {box["mailbox"] for box in vm("mailbox", "list", "--json").json}
    assert boxes == set(expected(source)["mailboxes"])
    before = [vm("message", "list", box, "--json").json for box in sorted(boxes)]
    assert sum(map(len, before)) > 10

    again = json.loads(vm(*words, "--json").out)
    assert again["messages"]["imported"] == again["mailboxes"]["imported"] == again["greetings"]["imported"] == 0
    assert [vm("message", "list", box, "--json").json for box in sorted(boxes)] == before


@pytest.mark.parametrize("words", SOURCES.values(), ids=SOURCES)
def test_a_dry_run_reports_the_same_and_writes_nothing(vm, words):
    ran = vm(*words, "--dry-run", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["messages"]["imported"] > 10
    assert vm("mailbox", "list", "--json").json == []
    real = json.loads(vm(*words, "--json").out)
    assert {**json.loads(ran.out), "dry_run": False} == real


@pytest.mark.parametrize("words", SOURCES.values(), ids=SOURCES)
def test_people_are_told_in_sentences_and_never_a_pin(vm, words):
    ran = vm(*words)
    assert "imported" in ran.out
    for source in SOURCES:
        for mailbox in expected(source)["mailboxes"].values():
            pin = mailbox.get("pin")
            if pin and len(pin) > 4:
                assert pin not in ran.out + ran.err


def test_a_context_may_get_another_name(vm):
    assert vm(*ASTERISK, "--domain", "default=example.com").code == 1
    assert vm("mailbox", "show", "1001@example.com").code == 0
    assert vm("mailbox", "show", "1001@default").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["import", "asterisk", "--config", "none.conf", "--spool", "none"],
        ["import", "mod-voicemail", "--database", "none.db", "--storage", "none", "--directory", "none"],
        ["import", "fusionpbx", "--dump", "none.sql", "--storage", "none"],
        ["import", "fusionpbx", "--storage", "none"],
        ["import", "fusionpbx", "--dump", "a", "--dsn", "b", "--storage", "none"],
        ["import", "asterisk", "--spool", "none"],
        ["import", "nortel"],
        [*ASTERISK, "--domain", "default"],
        [*ASTERISK, "--domain", "default=a b"],
    ],
)
def test_what_cannot_be_read_is_exit_2_and_nothing_is_done(vm, words):
    ran = vm(*words)
    assert ran.code == 2
    assert ran.err
    assert "Traceback" not in ran.err
    assert vm("mailbox", "list", "--json").json == []


def test_redis_away_is_exit_2_for_nothing_was_done(vm):
    ran = vm(*ASTERISK, at="redis://127.0.0.1:1")
    assert ran.code == 2
    assert "run it again" in ran.err


def test_the_settings_file_stands_before_the_command_whose_config_is_another(vm, tmp_path):
    file = tmp_path / "esl-vm.toml"
    file.write_text('[service]\ndomain = "example.com"\n')
    assert vm("--config", file, *ASTERISK).code == 1
    assert vm("--config", file, "mailbox", "show", "1001@default").code == 0


def test_what_is_exported_for_asterisk_comes_back_equal(vm, tmp_path, redis_url):
    import redis

    vm(*ASTERISK)
    boxes = [box["mailbox"] for box in vm("mailbox", "list", "--json").json]

    def state():
        new = {"created": "at the import", "pin": "a new one, for only hashes are kept"}
        shown = [vm("mailbox", "show", box, "--json").json | new for box in boxes]
        for owner in [owner for mailbox in shown for owner in mailbox["owners"]]:
            owner["pin"] = new["pin"]
        listed = [vm("message", "list", box, "--json").json for box in boxes]
        return shown, [[{k: v for k, v in m.items() if k != "id"} for m in messages] for messages in listed]

    before = state()
    ran = vm("export", "asterisk", "--to", tmp_path / "tree")
    assert ran.code in {0, 1}, ran.err
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    tree = tmp_path / "tree"
    [conf] = tree.rglob("voicemail.conf")
    spool = next(path for path in tree.rglob("voicemail") if path.is_dir())
    assert vm("import", "asterisk", "--config", conf, "--spool", spool).code in {0, 1}
    assert state() == before
