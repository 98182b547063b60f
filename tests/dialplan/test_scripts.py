"""The scripts of dialplan/scripts: what mod_voicemail's integrators call, asked of our API by a real Lua and a real curl."""

import json
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from lupa import luajit21
from support.redis_servers import redis_server
from support.web_house import House, Served

from esl_vm.model.mailbox import Folder, Greeting, MailboxId, StoredGreeting

SCRIPTS = Path(__file__).parents[2] / "dialplan/scripts"
ID = "19fb0a5c100-000000000003"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")


class Switch:
    """What FreeSWITCH gives a script."""

    def __init__(self, **variables):
        self.variables, self.log = variables, []

    def lua(self, name, *words):
        """What `lua NAME WORDS` answers."""
        runtime = luajit21.LuaRuntime()
        said = []
        runtime.globals().python = {
            "variable": self.variables.get,
            "log": lambda level, text: self.log.append((level, text)),
            "write": said.append,
            "decode": lambda text: runtime.table_from(without_nulls(json.loads(text)), recursive=True),
            "execute": lambda command, _: "pbx.example" if command == "global_getvar" else str(uuid.uuid4()),
            "shell": subprocess.getoutput,
        }
        # A Lua has no pipes once another of its versions is loaded in the process, as fakeredis does.
        runtime.execute(
            "io.popen = function(command) return {"
            " read = function() return python.shell(command) end, close = function() end } end"
        )
        runtime.execute(
            "freeswitch = {"
            " getGlobalVariable = function(name) return python.variable(name) end,"
            " consoleLog = function(level, text) python.log(level, text) end,"
            " JSON = function() return { decode = function(_, text) return python.decode(text) end } end,"
            " API = function() return { execute = function(_, name, words) return python.execute(name, words) end } end }"
            "stream = { write = function(_, text) python.write(text) end }"
        )
        runtime.globals().argv = runtime.table_from([*words])
        runtime.execute((SCRIPTS / f"{name}.lua").read_text())
        return "".join(said)


def without_nulls(value):
    """As FreeSWITCH's decoder has it: a null is not there."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with redis_server() as server:
        running = Served(tmp_path_factory.mktemp("web"), server.url)
        yield running
        running.close()


@pytest.fixture
def house(served):
    return House(served)


@pytest.fixture
def switch(house, tmp_path):
    """One tenant of several: `vm_domain` is empty, as FreeSWITCH's users have domains."""
    words = house.token("mailbox.read", "message.read", "message.change", "greeting.read", "broadcast").token
    (tmp_path / "token").write_text(f"Authorization: Bearer {words}\n")
    return Switch(
        script_dir=str(SCRIPTS), vm_domain="", vm_api=f"{house.served.url}/api/v1", vm_api_token_file=str(tmp_path / "token")
    )  # fmt: skip


@pytest.fixture
def alice(house):
    return house.box("1001")


def test_messages_are_counted_by_folder_and_urgency(switch, house, alice):
    for folder, urgent in [
        (Folder.NEW, False),
        (Folder.NEW, True),
        (Folder.OLD, True),
        (Folder.OLD, False),
        (Folder.OLD, False),
    ]:
        house.message(alice, urgent=urgent, folder=folder, heard=folder is Folder.OLD)
    answers = {how: switch.lua("vm_boxcount", f"default/sip:{alice}{how}") for how in
               ("", "|new", "|saved", "|new-urgent", "|saved-urgent", "|new-saved", "|all", "|nonsense")}  # fmt: skip
    assert answers == {
        "": "2", "|new": "2", "|saved": "3", "|new-urgent": "1", "|saved-urgent": "1", "|new-saved": "1", "|all": "2:3:1:1", "|nonsense": "2",
    }  # fmt: skip


@pytest.mark.parametrize("words", [(), ("",), ("1001",), ("default/",)])
def test_without_a_mailbox_the_count_is_nought(switch, words):
    assert switch.lua("vm_boxcount", *words) == "0"


def test_a_mailbox_that_is_not_there_has_no_messages(switch, house):
    nobody = f"1999@{house.domain}"
    assert switch.lua("vm_boxcount", f"{nobody}|all") == "0:0:0:0"
    assert switch.lua("vm_list", nobody) == ""
    assert switch.lua("vm_list", nobody, "xml") == "<voicemail>\n</voicemail>\n"
    assert switch.lua("vm_delete", nobody) == "-ERR can't find user or profile.\n"


def test_one_tenant_s_mailboxes_are_called_by_any_domain(switch, house, alice):
    house.message(alice)
    switch.variables["vm_domain"] = house.domain
    assert switch.lua("vm_boxcount", "1001@pbx.example") == switch.lua("vm_boxcount", "1001") == "1"


def test_a_list_has_a_line_for_each_message(switch, house, alice):
    at = 1_700_000_000
    new = house.message(alice, number="5145550101", name="Zoé Côté", at=at, ms=2900)
    work = house.message(alice, number="102", name="", at=at + 86_400 * 107, ms=1000, folder=Folder.WORK, heard=True)
    path = f"/api/v1/mailboxes/{alice}/messages"
    assert switch.lua("vm_list", f"{alice}/default") == (
        f"{at}:0:1001:{house.domain}:inbox:{path}/{new}/sound:{new}:Zoé Côté:5145550101:2\n"
        f"{at + 86_400 * 107}:{at + 86_400 * 107}:1001:{house.domain}:work:{path}/{work}/sound:{work}::102:1\n"
    )
    assert switch.lua("vm_list", str(alice), "text", work).count("\n") == 1


def test_a_list_in_xml_escapes_what_callers_are_called(switch, house, alice):
    only = house.message(alice, name="R&D <lab>", at=1_700_000_000)
    told = switch.lua("vm_list", str(alice), "xml")
    assert told.startswith(
        "<voicemail>\n <message>\n  <created_epoch>1700000000</created_epoch>\n  <read_epoch>0</read_epoch>\n"
    )
    assert "  <cid-name>R&amp;D &lt;lab&gt;</cid-name>\n" in told
    assert f"  <uuid>{only}</uuid>\n" in told
    assert told.endswith("  <message-len>2</message-len>\n </message>\n</voicemail>\n")


def test_more_messages_than_a_page_has_are_listed_and_marked(switch, house):
    alice = house.box("1001", maxmsg="300")
    for at in range(210):
        house.message(alice, at=1_700_000_000 + at)
    assert switch.lua("vm_list", str(alice)).count("\n") == 210
    assert switch.lua("vm_read", str(alice), "read") == "+OK\n"
    assert switch.lua("vm_boxcount", f"{alice}|all") == "0:210:0:0"


def test_a_message_is_read_and_unread(switch, house, alice):
    first, second = house.message(alice), house.message(alice)
    assert switch.lua("vm_read", str(alice), "read", first) == "+OK\n"
    assert switch.lua("vm_boxcount", f"{alice}|all") == "1:1:0:0"
    assert switch.lua("vm_read", str(alice), "READ") == "+OK\n"
    assert switch.lua("vm_boxcount", f"{alice}|all") == "0:2:0:0"
    assert switch.lua("vm_read", str(alice), "unread", second) == "+OK\n"
    assert switch.lua("vm_boxcount", f"{alice}|all") == "1:1:0:0"


@pytest.mark.parametrize("words", [("read", ID), ("read", "'; touch stolen; '"), ("eaten",), ()])
def test_what_can_t_be_marked_is_said(switch, house, alice, words):
    house.message(alice)
    assert switch.lua("vm_read", str(alice), *words) == "-ERR can't find user or profile.\n"
    assert switch.lua("vm_boxcount", str(alice)) == "1"


def test_messages_are_deleted_one_or_all(switch, house, alice):
    first, _ = house.message(alice), house.message(alice)
    house.message(alice, folder=Folder.FAMILY)
    assert switch.lua("vm_delete", str(alice), first) == "+OK\n"
    assert switch.lua("vm_list", str(alice)).count("\n") == 2
    assert switch.lua("vm_delete", str(alice)) == "+OK\n"
    assert switch.lua("vm_list", str(alice)) == ""
    assert house.store.mailboxes.open(alice).counts.of(Folder.TRASH) == 3


def test_a_sound_is_put_into_a_mailbox_as_often_as_it_is_said(switch, house, alice, tmp_path):
    sound = tmp_path / "it's a sound.wav"
    shutil.copy(house.sound(2000), sound)
    for _ in range(2):
        assert switch.lua("vm_inject", str(alice), str(sound), "5145550102", "Bob O'Neil & Co") == "+OK\n"
    messages = house.store.mailboxes.listed(alice, Folder.NEW, newest=True, after=None, most=5).messages
    assert [(one.caller.number, one.caller.name, one.duration_ms) for one in messages] == [
        ("5145550102", "Bob O'Neil & Co", 2000)
    ] * 2


def test_a_sound_is_put_into_all_mailboxes_of_a_list_or_domain(switch, house, alice):
    bob, carol = house.box("1002"), house.box("1003")
    house.store.lists.add(MailboxId("900", house.domain), [alice, bob], "Sales")
    assert switch.lua("vm_inject", f"group=900@{house.domain}", str(house.sound())) == "+OK\n"
    assert switch.lua("vm_inject", f"domain={house.domain}", str(house.sound())) == "+OK\n"
    counts = [house.store.mailboxes.open(box).counts.of(Folder.NEW) for box in (alice, bob, carol)]
    assert counts == [2, 2, 1]
    assert ":anonymous:anonymous:2\n" in switch.lua("vm_list", str(carol))


@pytest.mark.parametrize(
    "words", [(), ("1001",), ("{}", "/no/such.wav"), ("1999@{}", "{sound}"), ("1001@{}", "{rubbish}")]
)
def test_what_can_t_be_put_anywhere_is_said(switch, house, alice, tmp_path, words):
    (tmp_path / "rubbish").write_bytes(b"no sound at all")
    given = [word.format(house.domain, sound=house.sound(), rubbish=tmp_path / "rubbish") for word in words]
    assert switch.lua("vm_inject", *given).startswith("Error: [group=<group>[@domain]|")
    assert switch.lua("vm_boxcount", str(alice)) == "0"


def test_greetings_are_told_and_no_pin(switch, house, alice):
    assert switch.lua("vm_prefs", str(alice)) == ""
    assert switch.lua("vm_prefs", f"{alice}|all") == "::"
    for greeting in (Greeting.BUSY, Greeting.UNAVAILABLE, Greeting.NAME):
        house.node.audio.put(f"greeting-{greeting}", house.sound())
        house.store.mailboxes.set_greeting(alice, greeting, StoredGreeting(f"greeting-{greeting}", 2000))
    path = f"/api/v1/mailboxes/{alice}/greetings"
    assert switch.lua("vm_prefs", f"default/{alice}") == f"{path}/unavailable/sound"
    assert switch.lua("vm_prefs", f"{alice}|name_path") == f"{path}/name/sound"
    assert switch.lua("vm_prefs", f"{alice}|password") == ""
    assert switch.lua("vm_prefs", f"{alice}|all") == f"{path}/unavailable/sound:{path}/name/sound:"
    assert switch.lua("vm_prefs", "1001") == "-ERR No domain specified\n"


def test_a_service_that_is_away_or_refuses_is_in_freeswitch_s_log(switch, alice, tmp_path):
    (tmp_path / "token").write_text("Authorization: Bearer stolen\n")
    assert switch.lua("vm_list", str(alice)) == "-ERR can't find user or profile.\n"
    switch.variables["vm_api"] = "http://127.0.0.1:9/api/v1"
    assert switch.lua("vm_delete", str(alice)) == "-ERR can't find user or profile.\n"
    switch.variables["vm_api"] = ""
    assert switch.lua("vm_boxcount", str(alice)) == "0"
    assert [level for level, _ in switch.log] == ["err"] * 3
    assert [": 401 " in switch.log[0][1], ": 0 " in switch.log[1][1], "set vm_api" in switch.log[2][1]] == [True] * 3
    assert "stolen" not in str(switch.log)
