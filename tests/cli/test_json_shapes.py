"""What `--json` prints is what `esl-vm schema` says it is, and `show` shows all that the model has."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from cli.test_closed_redis import commands
from cli.test_import_commands import ASTERISK, FUSION, MODULE
from jsonschema import Draft202012Validator

from esl_vm.cli.main import build_parser
from esl_vm.cli.schema import schema_of
from esl_vm.cli.shapes import SHAPES
from esl_vm.model.jobs import Job, JobKind
from esl_vm.model.lists import DistributionList
from esl_vm.model.mailbox import Mailbox, MailboxId, StoredGreeting
from esl_vm.model.message import CallDetails, Caller, Message
from esl_vm.model.options import MailboxOptions
from esl_vm.model.receipts import Receipt
from esl_vm.model.rights import Session, Token
from esl_vm.model.transcript import Segment, Transcript

ALICE = MailboxId("1001")
WRITTEN = Transcript(language="fr", engine="whisper", confidence=0.8, segments=(Segment(0, 900, "bonjour"),))


def check(name, printed):
    """Raises where it is not of the command's shape, or has more than that."""
    Draft202012Validator(nothing_more(schema_of(name))).validate(printed)


def nothing_more(schema):
    """The schema with no key allowed that it does not name."""
    if isinstance(schema, list):
        return [nothing_more(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: nothing_more(one) for name, one in schema.items()}
    return closed | {"additionalProperties": False} if schema.get("properties") and "type" in schema else closed


def test_each_command_that_has_json_has_a_shape():
    parser = build_parser()
    found = set()
    for name in commands(parser):
        one = parser
        for word in name.split():
            one = one.commands[word]
        if any("--json" in action.option_strings for action in one.takes):
            found.add(name)
    assert found == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_a_schema_and_every_object_says_what_it_is(vm, name):
    made = vm("schema", *name.split()).json
    Draft202012Validator.check_schema(made)
    assert made == json.loads(json.dumps(schema_of(name)))
    for definition in made["$defs"].values():
        assert definition["description"]
        assert definition.get("properties") or definition["enum"]


def test_the_schemas_are_listed_and_another_command_has_none(vm):
    assert vm("schema").out.split("\n")[:-1] == sorted(SHAPES)
    ran = vm("schema", "mailbox", "remove")
    assert ran.code == 2
    assert "esl-vm schema" in ran.err


@pytest.fixture
def lived_in(vm, node, leave, tone):
    """An installation in which there is one of everything; its message's id."""
    vm(
        "mailbox",
        "add",
        "1001",
        "--name",
        "Alice",
        "--email",
        "a@example.com",
        "maxmsg=50",
        "webhook=https://h/?token=s3cret",
    )
    vm("mailbox", "add", "1002")
    vm("list", "add", "900", "1001", "--name", "Sales", "--recording", tone())
    vm("greeting", "import", "1001", "temporary", tone(), "--until", "2100-01-04")
    vm("greeting", "import", "1001", "name", tone(name="name.wav"))
    call = CallDetails("call-1", "uuid-1", "1001", "1002", "Sales")
    message = leave(caller=Caller("1002", "Bob"), urgent=True, call=call)
    node.mailboxes.transcribed(ALICE, message, WRITTEN)
    vm("token", "add", "portal", "--all", "--may", "message.read")
    node.outbox.add(Job("mail-1", JobKind.MAIL, ALICE, {}, created=node.clock.now(), due=node.clock.now()))
    with node.spool.take_message(
        [ALICE], Message("1a0000000aa-aaaaaaaaaaaa"), min_ms=0, trim_silence=False, threshold=9
    ):
        yield message


def test_what_every_command_prints_is_of_its_shape(vm, node, lived_in, tone, tmp_path):
    sound = tone()
    vm("message", "forward", "1001", lived_in, "1001", "--at", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}")
    node.mailboxes.receipt(ALICE, Receipt("m1", ALICE, node.clock.now(), node.clock.now()))
    runs = {
        "admin list": [],
        "broadcast": [sound, "--all", "--yes"],
        "config": [],
        "doctor": [],
        "events": ["--last", "1"],
        "export asterisk": ["1001", "--to", tmp_path / "out"],
        "greeting calendars": [],
        "greeting list": ["1001"],
        "greeting preview": ["1001", "--at", "2099-01-01T10:00"],
        "import asterisk": [*ASTERISK[2:], "--dry-run"],
        "import fusionpbx": [*FUSION[2:], "--dry-run"],
        "import mod-voicemail": [*MODULE[2:], "--dry-run"],
        "list list": [],
        "list show": ["900"],
        "mail list": [],
        "mailbox list": [],
        "mailbox notices": ["1001", "--at", "2099-01-01T10:00", "--urgent"],
        "mailbox show": ["1001"],
        "message list": ["1001"],
        "message receipts": ["1001"],
        "message scheduled": ["1001"],
        "message search": ["1001", "bonjour"],
        "message send": [sound, "--to", "1001", "--dry-run"],
        "message show": ["1001", lived_in],
        "owner list": ["1001"],
        "privacy find": ["1002"],
        "privacy holds": [],
        "privacy retention": [],
        "prompts check": [],
        "spool list": [],
        "spool settle": [],
        "token add": ["crm", "--all", "--may", "message.read"],
        "token list": [],
        "top": [],
    }
    assert set(runs) == set(SHAPES) - {"setup"}  # which takes a FreeSWITCH: tests/cli/test_setup.py
    for name, words in runs.items():
        ran = vm(*name.split(), *words, "--json")
        printed = json.loads(ran.out)
        check(name, printed)
        may_be_empty = name in {
            "admin list",
            "greeting calendars",
            "privacy holds",
            "privacy retention",
            "spool settle",
        }
        assert printed or may_be_empty, name


class TestShowShowsAllThereIs:
    """A field that the model gets must be shown, or be named here with why it is not."""

    def test_of_a_mailbox(self, vm, lived_in):
        shown = vm("mailbox", "show", "1001", "--json").json
        by_field = {
            "id": shown["mailbox"], "counts": shown["folders"], "name": shown["name"], "language": shown["language"],
            "timezone": shown["timezone"], "email": shown["email"], "pager": shown["pager"],
            "has_pin": shown["pin"], "pin_is_initial": shown["pin"]["state"], "pin_changed": shown["pin"]["changed"],
            "pin_mark": "tells only that the PIN is another",
            "greetings": shown["recorded"], "options": shown["options"], "extensions": shown["extensions"],
            "aliases": shown["aliases"], "sound_ms": shown["room"]["sound_ms"], "others": shown["owners"], "copies": shown["copies"],
        }  # fmt: skip
        assert set(by_field) == {field.name for field in dataclasses.fields(Mailbox)}
        assert set(shown["options"]) == {field.name for field in dataclasses.fields(MailboxOptions)}
        assert (shown["email"], shown["options"]["maxmsg"], shown["room"]["new"]) == ("a@example.com", 50, 1)
        assert shown["set"] == ["email", "maxmsg", "name", "webhook"]
        assert shown["webhook"] == "https://h/****"
        assert shown["pin"]["state"] == "initial"
        assert shown["room"] | {"sound_ms": 0} == {
            "new": 1, "most_new": 50, "sound_ms": 0, "most_sound_ms": None, "filled": 0.02, "full": False, "takes_messages": True,
        }  # fmt: skip
        assert [one["greeting"] for one in shown["recorded"]] == ["name", "temporary"]
        told = vm("mailbox", "show", "1001").out
        for word in ("a@example.com", "https://h/****", "temporary (0:02)", "maxmsg=50", "1 urgent", "added"):
            assert word in told

    def test_of_a_message(self, vm, lived_in):
        shown = vm("message", "show", "1001", lived_in, "--json").json
        elsewhere = {
            "caller": ("caller_number", "caller_name"), "intro_id": ("introduction_ms",), "intro_ms": ("introduction_ms",),
            "call": tuple(field.name for field in dataclasses.fields(CallDetails)),
        }  # fmt: skip
        keys = {key for field in dataclasses.fields(Message) for key in elsewhere.get(field.name, (field.name,))}
        assert set(shown) == keys | {"stored"}
        assert (shown["call_id"], shown["label"], shown["transcript"]["text"]) == ("call-1", "Sales", "bonjour")
        assert shown["stored"] is True

    def test_of_a_list_a_token_a_greeting_and_a_session(self, vm, lived_in):
        [listed] = vm("list", "list", "--json").json
        assert set(listed) >= {field.name for field in dataclasses.fields(DistributionList)} - {"id"}
        assert listed["recorded_name_ms"] == 2000
        [token] = vm("token", "list", "--json").json
        named = {"rights": "may", "reach": "all"}
        assert {named.get(field.name, field.name) for field in dataclasses.fields(Token)} <= set(token)
        [_, greeting] = sorted(vm("greeting", "list", "1001", "--json").json, key=lambda one: one["greeting"])
        named = {"starts": "from", "ends": "until", "audio_id": "greeting"}
        assert {named.get(field.name, field.name) for field in dataclasses.fields(StoredGreeting)} <= set(greeting)
        session = SHAPES["admin list"].__args__[0].__annotations__
        assert {field.name for field in dataclasses.fields(Session)} - {"pin_mark", "owner"} == set(session)
