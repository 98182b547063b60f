"""Three trees that the real systems wrote come in to the last message and greeting."""

import re
from pathlib import Path

import pytest
from import_rig import DATA, GREETINGS, expected

from esl_vm.importers.asterisk import read_asterisk
from esl_vm.importers.fusionpbx import read_fusionpbx
from esl_vm.importers.mod_voicemail import read_mod_voicemail
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import one_line

ASTERISK = DATA / "asterisk"
MOD_VOICEMAIL = DATA / "mod-voicemail"
FUSIONPBX = DATA / "fusionpbx"
ASTERISK_FOLDERS = {"INBOX": "new", "Urgent": "new", "Deleted": "trash"}
OTHER_FOLDERS = {"deleted": "trash"}


def asterisk():
    return read_asterisk(ASTERISK / "etc" / "voicemail.conf", ASTERISK / "spool" / "voicemail")


def mod_voicemail():
    return read_mod_voicemail(
        MOD_VOICEMAIL / "voicemail_default.db", MOD_VOICEMAIL / "storage", MOD_VOICEMAIL / "directory"
    )


def fusionpbx(dump="fusionpbx.sql"):
    return read_fusionpbx(FUSIONPBX / "storage", dump=FUSIONPBX / dump)


SOURCES = {
    "asterisk": ("asterisk", asterisk),
    "mod_voicemail": ("mod-voicemail", mod_voicemail),
    "fusionpbx, COPY": ("fusionpbx", fusionpbx),
    "fusionpbx, INSERT": ("fusionpbx", lambda: fusionpbx("fusionpbx.inserts.sql")),
}


@pytest.fixture(params=SOURCES)
def source(request):
    tree, read = SOURCES[request.param]
    return expected(tree), read


def wanted_messages(mailbox):
    """(folder here, message) of an expected mailbox, in the order of each folder; copies in Deleted may stay out."""
    if "folders" in mailbox:
        for folder, messages in mailbox["folders"].items():
            for message in messages:
                if "copy_of" not in message:
                    yield ASTERISK_FOLDERS.get(folder, folder.lower()), message
    else:
        for message in mailbox["messages"]:
            yield OTHER_FOLDERS.get(message["folder"], message["folder"]), message


def lengths(message):
    if "audio" in message:
        return list(message["audio"].values())
    return [message["audio_seconds"]]


def is_that(message, wanted, place):
    """Everything the expectation says of a message is so."""
    loose = wanted.get("loose", [])
    number, name = wanted["caller_number"] or "", one_line(wanted["caller_name"] or "")
    assert message.caller.number == number
    assert "caller_name" in loose or message.caller.name == name
    assert wanted["received"] in {None, message.received}
    for mark in ("urgent", "heard"):
        assert wanted[mark] in {None, getattr(message, mark)}, mark
    assert any(abs(message.duration_ms / 1000 - seconds) < 0.01 for seconds in lengths(wanted))
    assert message.duration_ms / 1000 == pytest.approx(place.seconds(message.id), abs=0.001)
    if "intro_seconds" in wanted:
        assert message.intro_ms / 1000 == pytest.approx(wanted["intro_seconds"], abs=0.05)
        assert place.seconds(message.intro_id) == pytest.approx(wanted["intro_seconds"], abs=0.05)
    else:
        assert not message.intro_id
    assert message.forwarded_by == wanted.get("forwarded_by", "")
    assert message.origin == "import"


def test_every_message_is_there_with_all_that_is_known_of_it(source, place):
    tree, read = source
    place.bring(read())
    assert set(place.boxes()) == set(tree["mailboxes"])
    for name, mailbox in tree["mailboxes"].items():
        by_folder = {}
        for folder, message in wanted_messages(mailbox):
            by_folder.setdefault(folder, []).append(message)
        for folder in Folder:
            here = place.messages(MailboxId.parse(name), folder)
            wanted = by_folder.get(folder.value, [])
            assert len(here) == len(wanted), (name, folder)
            if folder is Folder.NEW:  # urgent ones are played first
                wanted = sorted(wanted, key=lambda message: not message["urgent"])
            for message, told in zip(here, wanted, strict=True):
                is_that(message, told, place)


def others(mailbox):
    """The numbered greetings of the source that are not in force, which keep their number here."""
    files = [one["file"] if isinstance(one, dict) else one for one in mailbox.get("other_greetings", [])]
    return {Greeting(f"unavailable-{Path(file).stem[-1]}") for file in files}


def test_every_greeting_is_there_and_which_is_in_force(source, place):
    tree, read = source
    place.bring(read())
    for name, mailbox in tree["mailboxes"].items():
        here = place.store.mailboxes.open(MailboxId.parse(name)).greetings
        assert set(here) == {GREETINGS[kind] for kind in mailbox["greetings"]} | others(mailbox), name
        assert not place.store.mailboxes.open(MailboxId.parse(name)).options.greeting_rules
        for kind, told in mailbox["greetings"].items():
            stored = here[GREETINGS[kind]]
            seconds = [told["seconds"]] if "seconds" in told else list(told.values())
            assert any(abs(stored.duration_ms / 1000 - one) < 0.05 for one in seconds), (name, kind)
            assert place.seconds(stored.audio_id) == pytest.approx(stored.duration_ms / 1000, abs=0.001)


def test_every_owner_is_there_with_name_addresses_language_and_time_zone(source, place):
    tree, read = source
    place.bring(read())
    for name, told in tree["mailboxes"].items():
        here = place.store.mailboxes.open(MailboxId.parse(name))
        assert here.name == told["name"].strip('"')
        assert here.email == ",".join(told["emails"])
        # FusionPBX's pager is a telephone number, which is no address
        assert here.pager == (told.get("pager") if "@" in (told.get("pager") or "") else "")
        assert here.timezone == (told["timezone"] or "")
        assert here.language in {told.get("language", ""), "fr" if tree["source"] == "fusionpbx" else ""}
        assert here.options.announce_only is (told.get("enabled") is False)
        assert here.accounts == tuple(alias.partition("@")[0] for alias in told.get("aliases", []))


def test_every_pin_opens_its_mailbox_and_none_is_open_that_was_shut(source, place):
    tree, read = source
    place.bring(read())
    for name, told in tree["mailboxes"].items():
        box = MailboxId.parse(name)
        here = place.store.mailboxes.open(box)
        if told["pin"]:
            assert place.opens(box, told["pin"])
            assert not place.opens(box, told["pin"] + "0")
        else:
            # Asterisk asks none where none is configured; elsewhere nobody could log in, and nobody can here
            assert here.has_pin is (tree["source"] != "asterisk")
            assert not place.opens(box, "1234")
        if "also_opens" in told:
            assert not place.opens(box, told["also_opens"])
        assert here.options.pin_locked is told.get("pin_locked", False)


def test_the_report_says_what_the_administrator_must_know_and_its_numbers_add_up(source, place):
    tree, read = source
    report = place.bring(read())
    told = report.to_json()
    assert told["counts"] == tree["report"]["counts"]
    assert sorted((item["kind"], item.get("messages")) for item in told["items"]) == sorted(
        (item["kind"], item.get("messages")) for item in tree["report"]["items"]
    )
    copies = tree["totals"].get("copies_in_the_same_mailbox", 0)
    assert told["messages"]["imported"] == tree["totals"]["messages"] - copies
    assert told["mailboxes"]["imported"] == tree["totals"]["mailboxes"]
    more = sum(len(others(mailbox)) for mailbox in tree["mailboxes"].values())
    assert told["greetings"]["imported"] == tree["totals"]["greetings"] + more
    assert report.exit_code == 1


def test_items_name_the_place_they_are_about(source, place):
    tree, read = source
    report = place.bring(read())
    wheres = [item.where for item in report.findings.items]
    for item in tree["report"]["items"]:
        assert item["where"] in wheres


def test_a_second_import_changes_nothing(source, place):
    _tree, read = source
    first = place.bring(read())
    before = place.picture()
    second = place.bring(read())
    assert place.picture() == before
    assert second.messages.imported == second.mailboxes.imported == second.greetings.imported == 0
    assert second.messages.already == first.messages.imported
    assert second.to_json()["counts"] == first.to_json()["counts"]


def test_a_dry_run_writes_nothing_and_reports_the_same(source, place):
    _tree, read = source
    empty = place.client.dbsize()
    rehearsal = place.bring(read(), dry_run=True)
    assert place.client.dbsize() == empty
    assert not list(place.audio.ids())
    real = place.bring(read())
    assert rehearsal.to_json() == real.to_json() | {"dry_run": True}
    assert "would be imported" in rehearsal.to_text()


def test_no_pin_is_ever_printed(source, place, capfd):
    tree, read = source
    plan = read()
    shown = repr(plan)
    report = place.bring(plan)
    shown += report.to_text() + str(report) + repr(report)
    shown += "".join(capfd.readouterr())
    for name, told in tree["mailboxes"].items():
        for pin in filter(None, (told["pin"], told.get("also_opens"))):
            if name.startswith(f"{pin}@"):
                continue  # the mailbox's number is no secret
            # longer words that happen to hold those digits (ids, dates, numbers) are no PIN
            assert not re.search(rf"(?<![0-9a-f.-]){pin}(?![0-9a-f.-])", shown), name
    assert "Secret(***)" in shown


def test_mailboxes_without_configuration_come_when_asked_for(place):
    tree = expected("asterisk")["unconfigured"]["default/1099"]["folders"]["INBOX"]
    conf, spool = ASTERISK / "etc" / "voicemail.conf", ASTERISK / "spool" / "voicemail"
    report = place.bring(read_asterisk(conf, spool, unconfigured=True))
    box = MailboxId("1099")
    for message, told in zip(place.messages(box, Folder.NEW), tree, strict=True):
        is_that(message, told, place)
    assert report.counts["mailbox_without_configuration"] == 1
    assert place.store.mailboxes.open(box).has_pin  # one that nobody knows
    assert not place.opens(box, "1099")
    assert not place.opens(box, "1234")


def test_a_domain_can_be_given_another_name(place):
    plan = read_asterisk(
        ASTERISK / "etc" / "voicemail.conf", ASTERISK / "spool" / "voicemail", domains={"atelier": "atelier.example"}
    )
    place.bring(plan)
    assert "2001@atelier.example" in place.boxes()
    assert len(place.messages(MailboxId("2001", "atelier.example"), Folder.NEW)) == 2
