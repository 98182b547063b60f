"""dialplan/scripts in a real FreeSWITCH beside mod_voicemail, on the same mailbox: the same questions, the same answers."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live.freeswitch import DIALPLAN, FreeSwitch, find_freeswitch, why_not
from support.redis_servers import redis_server
from support.web_house import House, Served

from esl_vm.model.mailbox import MailboxId

pytestmark = [pytest.mark.live, pytest.mark.timeout(200)]
DOMAIN = "pbx.example"
ALICE = MailboxId("1001", DOMAIN)
PROFILE = """<configuration name="voicemail.conf"><settings/><profiles><profile name="default">
<param name="file-extension" value="wav"/></profile></profiles></configuration>"""
CALLERS = [("5145550101", "Zoé Côté", "B_NORMAL"), ("102", "Bob", "A_URGENT"), ("5145550103", "Eve", "B_NORMAL")]


@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    """With three messages in mod_voicemail's mailbox 1001, one of them urgent, one heard; and ours, imported from it."""
    if why_not():
        pytest.skip(why_not())
    installed = find_freeswitch()
    for module in ("voicemail", "lua"):
        if not (installed.modules / f"mod_{module}.so").is_file():
            pytest.skip(f"this FreeSWITCH has no mod_{module}")
    folder = tmp_path_factory.mktemp("scripts")
    recipes = {"conf/autoload_configs/voicemail.conf.xml": PROFILE}
    recipes |= {f"scripts/{path.name}": path.read_text() for path in (DIALPLAN / "scripts").iterdir()}
    switch = FreeSwitch(folder / "freeswitch", {"live": "127.0.0.1:9"}, [DOMAIN], recipes)
    with redis_server() as redis:
        served = Served(folder, redis.url)
        try:
            assert "+OK" in switch.api("load mod_voicemail")
            house = House(served)
            inject(switch, house.sound(2000))
            served.command(
                "import", "mod-voicemail", "--database", folder / "freeswitch/db/voicemail_default.db",
                "--storage", folder / "freeswitch/storage", "--directory", directory(folder), code=0,
            )  # fmt: skip
            allow(switch, house, folder)
            yield switch
        finally:
            switch.stop()
            served.close()


def inject(switch, sound):
    for number, name, flag in CALLERS:
        # The fifth word is who forwarded it.
        assert switch.api(f"vm_inject 1001@{DOMAIN} {sound} {number} '{name}' '' {flag}") == "+OK"
        time.sleep(1.1)  # its times are whole seconds; a list has no order of its own
    heard = switch.api(f"vm_list 1001@{DOMAIN}").splitlines()[2].split(":")[6]
    assert switch.api(f"vm_read 1001@{DOMAIN} read {heard}") == "+OK"


def directory(folder):
    """The user as its administrator has it in a file."""
    path = folder / "directory"
    path.mkdir()
    (path / "default.xml").write_text(
        f'<domain name="{DOMAIN}"><groups><group name="all"><users><user id="1001"><params>'
        '<param name="vm-password" value="739184"/></params></user></users></group></groups></domain>'
    )
    return path


def allow(switch, house, folder):
    token = house.token(
        "mailbox.read", "message.read", "message.change", "greeting.read", "broadcast", domains=[DOMAIN]
    )
    (folder / "token").write_text(f"Authorization: Bearer {token.token}\n")
    for name, value in {
        "vm_domain": "",
        "vm_api": f"{house.served.url}/api/v1",
        "vm_api_token_file": folder / "token",
    }.items():
        switch.api(f"global_setvar {name}={value}")


def both(switch, command, *words):
    """mod_voicemail's answer, and ours."""
    line = " ".join((command, *words))
    return switch.api(line), switch.api(f"lua {line.replace(command, command + '.lua', 1)}")


def rows(answer):
    """A list without what cannot be the same: where a sound lies, what a message is called, when it was read."""
    return [(one[0], one[1] != "0", *one[2:5], *one[7:]) for one in (line.split(":") for line in answer.splitlines())]


def in_xml(answer):
    """XML, without the same things."""
    answer = re.sub(r"<read_epoch>[1-9]\d*<", "<read_epoch>READ<", answer)
    return re.sub(r"<(path|uuid)>[^<]+<", r"<\1><", answer)


def test_counts_and_lists_are_the_same(switch):
    theirs, ours = both(switch, "vm_list", f"1001@{DOMAIN}")
    assert [row[5:] for row in rows(theirs)] == [(name, number, "2") for number, name, _ in CALLERS]
    assert rows(ours) == rows(theirs)
    theirs, ours = both(switch, "vm_list", f"1001@{DOMAIN}/default", "xml")
    assert theirs.count("<message>") == 3
    assert in_xml(ours) == in_xml(theirs)
    for how in ("", "|new", "|saved", "|new-urgent", "|new-saved", "|all"):
        theirs, ours = both(switch, "vm_boxcount", f"default/1001@{DOMAIN}{how}")
        assert ours == theirs, how
    assert theirs == "2:1:1:0"


@pytest.mark.parametrize("words", [(), ("1001",), (f"1999@{DOMAIN}",), (f"1999@{DOMAIN}|all",)])
def test_counts_of_nobody_are_the_same(switch, words):
    theirs, ours = both(switch, "vm_boxcount", *words)
    assert ours == theirs


@pytest.mark.parametrize("command", ["vm_list", "vm_read", "vm_delete", "vm_prefs"])
@pytest.mark.parametrize("words", [(), ("1001",)])
def test_what_is_wrong_is_answered_the_same(switch, command, words):
    theirs, ours = both(switch, command, *words)
    assert ours == theirs


def test_what_was_read_put_in_and_deleted_is_counted_the_same(switch):
    sound = next(Path(switch.log).parents[2].glob("tone-*.wav"))
    for command, words in (
        ("vm_inject", (f"1001@{DOMAIN}", str(sound), "5145550104", "'Luc Roy'")),
        ("vm_prefs", (f"1001@{DOMAIN}|name_path",)),
    ):
        theirs, ours = both(switch, command, *words)
        assert ours == theirs
    for command, words in (("vm_read", ("unread",)), ("vm_read", ("read",)), ("vm_delete", ())):
        for prefix, suffix in (("", ""), ("lua ", ".lua")):
            first = switch.api(f"{prefix}vm_list{suffix} 1001@{DOMAIN}").splitlines()[0].split(":")[6]
            assert switch.api(" ".join((f"{prefix}{command}{suffix}", f"1001@{DOMAIN}", *words, first))) == "+OK"
        theirs, ours = both(switch, "vm_boxcount", f"1001@{DOMAIN}|all")
        assert ours == theirs, (command, words)
    assert both(switch, "vm_delete", f"1001@{DOMAIN}") == ("+OK", "+OK")
    assert both(switch, "vm_boxcount", f"1001@{DOMAIN}|all") == ("0:0:0:0", "0:0:0:0")


def test_a_token_that_opens_nothing_is_in_the_log(switch):
    kept = switch.api("global_getvar vm_api_token_file")
    switch.api(f"global_setvar vm_api_token_file={sys.executable}")
    assert switch.api(f"lua vm_list.lua 1001@{DOMAIN}") == "-ERR can't find user or profile."
    switch.api(f"global_setvar vm_api_token_file={kept}")
    assert "voicemail: GET " in subprocess.check_output(["grep", "voicemail: GET", switch.log], text=True)
