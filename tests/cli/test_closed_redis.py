"""Commands on a Redis that can be read and takes no changes: full, a replica, a master without its replicas."""

import pytest
from support.closed_redis import CLOSED, FULL, SAYS, closed_redis

from esl_vm.cli.main import build_parser

#: Every command that changes nothing, with what it is asked; `ID` is a message, `FILE` a new file.
READS = {
    "admin list": (),
    "backup": ("FILE.backup",),
    "config": (),
    "doctor": ("--orphans",),
    "events": ("--last", "5"),
    "export asterisk": ("--to", "FILE.tree", "1002@default"),
    "greeting export": ("1001", "busy", "FILE.wav"),
    "greeting calendars": (),
    "greeting list": ("1001",),
    "greeting preview": ("1001",),
    "list list": (),
    "list show": ("900",),
    "mail list": (),
    "mailbox export": ("FILE.csv",),
    "mailbox list": (),
    "mailbox notices": ("1001",),
    "mailbox show": ("1001",),
    "owner list": ("1001",),
    "message export": ("1001", "ID", "FILE.wav"),
    "message list": ("1001",),
    "message receipts": ("1001",),
    "message scheduled": ("1001",),
    "message search": ("--call-id", "nobody's"),
    "message show": ("1001", "ID"),
    "migrate": ("--dry-run",),
    "privacy audit": ("FILE.csv",),
    "privacy find": ("5145550100",),
    "privacy holds": (),
    "privacy retention": (),
    "prompts check": (),
    "schema": ("message", "list"),
    "spool list": (),
    "support-bundle": ("FILE.tar.gz",),
    "token list": (),
    "top": ("--once",),
}
#: These exit with 1 for what they find, or do not find.
FIND_NOTHING = {"doctor", "message search", "privacy find", "prompts check"}
WRITES = {
    *("admin add", "admin remove", "broadcast", "greeting import", "greeting remove", "greeting set-dates"),
    *("import asterisk", "import fusionpbx", "import mod-voicemail", "list add", "list remove", "list rename"),
    *(
        "mail forget",
        "mail retry",
        "mail revoke-links",
        "mailbox add",
        "mailbox apply",
        "mailbox copy",
        "mailbox pin",
        "mailbox remove",
    ),
    *(
        "mailbox rename",
        "mailbox set",
        "mailbox unlock",
        "message annotate",
        "message delete",
        "message forward",
        "message mail",
        "message move",
        "message restore",
    ),
    *(
        "message send",
        "notify",
        "owner add",
        "owner pin",
        "owner remove",
        "owner rename",
        "phone",
        "privacy encrypt",
        "privacy erase",
        "privacy export",
        "privacy held",
        "privacy hold",
        "privacy release",
        "privacy new-key",
        "privacy rotate-key",
        "prompts build",
        "restore",
        "serve",
        "setup",
        "spool discard",
        "spool settle",
    ),
    *("token add", "token revoke", "transcribe", "web"),
}


def commands(parser, path=()):
    """Every command of a parser, its words with spaces between."""
    if not parser.commands:
        yield " ".join(path)
    for name, sub in parser.commands.items():
        yield from commands(sub, (*path, name))


def test_each_command_is_one_that_reads_or_one_that_writes():
    assert sorted({*READS, *WRITES}) == sorted(commands(build_parser()))


@pytest.fixture
def alice(vm, tone):
    assert vm("mailbox", "add", "1001", "--name", "Alice Martin").code == 0
    assert vm("mailbox", "add", "1002", "--no-pin").code == 0
    assert vm("greeting", "import", "1001", "busy", tone()).code == 0
    assert vm("list", "add", "900", "1001").code == 0


@pytest.fixture(params=CLOSED)
def closed(request, vm, alice, leave, redis_of_commands):
    """Alice's mailbox with two messages there; their ids, how to run a command, and why nothing is taken."""
    ids = [leave(), leave()]
    with closed_redis(redis_of_commands, request.param) as url:
        yield ids, lambda *words: vm(*words, at=url), request.param


def test_whoever_only_looks_can(closed, tmp_path):
    """Each command that changes nothing says all that it says elsewhere."""
    ids, run, why = closed
    for command, words in READS.items():
        new = str(tmp_path / command.replace(" ", "-"))
        ran = run(*command.split(), *(word.replace("ID", ids[0]).replace("FILE", new) for word in words))
        assert ran.code == 0 or (command in FIND_NOTHING and SAYS[why] not in ran.err), f"{command}: {ran.err}{ran.out}"
    assert [box["mailbox"] for box in run("mailbox", "list", "--json").json] == ["1001@default", "1002@default"]
    assert run("mailbox", "show", "1001", "--json").json["folders"]["new"] == 2
    assert [one["id"] for one in run("message", "list", "1001", "--json").json] == ids
    assert (tmp_path / "message-export.wav").stat().st_size > 1000


def test_a_full_one_lets_messages_be_deleted_the_others_say_why_not(closed):
    ids, run, why = closed
    deleted = run("message", "delete", "1001", ids[0])
    left = [one["id"] for one in run("message", "list", "1001", "--json").json]
    if why == FULL:
        assert (deleted.code, left) == (0, ids[1:])
        assert run("mailbox", "remove", "1001", "--yes").code == 0
    else:
        assert (deleted.code, left) == (1, ids)
        assert SAYS[why] in deleted.err


def test_doctor_names_the_cause_and_what_to_do(closed):
    _, run, why = closed
    found = [one for one in run("doctor", "--json").out.splitlines() if SAYS[why] in one]
    assert found
    assert "start Redis, or correct redis.url" not in run("doctor").out
