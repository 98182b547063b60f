"""An import that is killed at any point and begun again ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from import_rig import Place, expected, message_text, wav_bytes, write
from support.waiting import wait_until
from test_import_expected import SOURCES, asterisk, mod_voicemail

from esl_vm.actions.target import Target
from esl_vm.importers.asterisk import read_asterisk
from esl_vm.model.errors import StoreDownError
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.options import MailboxOptions

WRITES = {"add", "change", "put", "deliver", "set_greeting", "delete"}


class KilledError(BaseException):
    """The process is gone: nothing after it runs."""


class Fatal:
    """A port whose n-th write, counted over all ports of the target, does not happen (or is the last to)."""

    def __init__(self, port, life):
        self._port = port
        self._life = life

    def __getattr__(self, name):
        method = getattr(self._port, name)
        return self._life.spend(method) if name in WRITES else method


class Life:
    def __init__(self, writes, *, after):
        self.left = writes
        self.after = after

    def spend(self, method):
        def call(*args, **more):
            self.left -= 1
            if self.left < 0 and not self.after:
                raise KilledError
            result = method(*args, **more)
            if self.left < 0:
                raise KilledError
            return result

        return call


def mortal(target, writes, *, after=False):
    life = Life(writes, after=after)
    return Target(*(Fatal(getattr(target, port), life) for port in ("registry", "mailboxes", "pins", "audio"))), life


@pytest.mark.parametrize(
    ("read", "after", "step"),
    [
        pytest.param(SOURCES["fusionpbx, COPY"][1], False, 1, id="fusionpbx, before each write"),
        pytest.param(mod_voicemail, False, 3, id="mod_voicemail, before every third write"),
        pytest.param(mod_voicemail, True, 3, id="mod_voicemail, after every third write"),
    ],
)
def test_killed_at_write_after_write_and_resumed_it_ends_the_same(read, after, step, real_redis, tmp_path):
    with real_redis.client() as client:
        whole = Place(client, tmp_path / "whole")
        target, life = mortal(whole.target, 10**6)
        whole.bring(read(), target)
        wanted, writes = whole.picture(), 10**6 - life.left
        assert writes > 40
        for number in range(0, writes, step):
            killed = Place(client, tmp_path / str(number))
            target, _life = mortal(killed.target, number, after=after)
            with pytest.raises(KilledError):
                killed.bring(read(), target)
            report = killed.bring(read())
            assert killed.picture() == wanted, f"killed at write {number}"
            assert (
                report.messages.imported + report.messages.already == report.messages.found - report.messages.reported
            )


def test_a_process_killed_for_good_in_the_middle_can_be_begun_again(real_redis, tmp_path):
    """Not a stand-in: another Python process, SIGKILL while it imports, then the import once more."""
    tree = tmp_path / "tree"
    write(tree / "etc" / "voicemail.conf", "[general]\n[default]\n1001 => 4821,Alice Martin\n")
    for number in range(300):
        base = tree / "spool" / "default" / "1001" / "INBOX" / f"msg{number:04}"
        write(base.with_suffix(".wav"), wav_bytes(0.2, pitch=200 + number))
        write(base.with_suffix(".txt"), message_text(origtime=1795000000 + number))
    program = (
        "import sys, redis; from pathlib import Path; from import_rig import Place, Store, FolderAudio, Target, QUICK\n"
        "from esl_vm.importers.asterisk import read_asterisk; from esl_vm.importers.write import run_import\n"
        "store = Store(redis.Redis(port=int(sys.argv[1])), pin_cost=QUICK); tree = Path(sys.argv[2])\n"
        "target = Target(store.registry, store.mailboxes, store.pins, FolderAudio(Path(sys.argv[3])))\n"
        "run_import(read_asterisk(tree / 'etc' / 'voicemail.conf', tree / 'spool'), target)\n"
    )
    with real_redis.client() as client:
        place = Place(client, tmp_path)
        path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(real_redis.port), str(tree), str(place.sounds)],
            env={**os.environ, "PYTHONPATH": path},
        )
        box = MailboxId("1001")
        try:
            wait_until(lambda: len(list(place.audio.ids())) > 50, what="the first messages")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        came = len(place.messages(box))
        assert 0 < came < 300
        report = place.bring(read_asterisk(tree / "etc" / "voicemail.conf", tree / "spool"))
        assert report.messages.already == came
        assert report.messages.imported == 300 - came
        messages = place.messages(box, Folder.NEW)
        assert [message.received for message in messages] == [1795000000 + number for number in range(300)]
        assert all(place.seconds(message.id) == pytest.approx(0.2) for message in messages)
        assert place.opens(box, "4821")


def test_what_an_owner_did_after_the_first_import_stays(place):
    place.bring(asterisk())
    box = MailboxId("1001")
    mailboxes = place.store.mailboxes
    new, old = place.messages(box, Folder.NEW), place.messages(box, Folder.OLD)
    mailboxes.delete(box, new[0].id)
    mailboxes.move(box, new[1].id, Folder.FAMILY)
    mailboxes.heard(box, new[2].id)
    mailboxes.retire(box, [new[2].id])
    mailboxes.delete(box, old[0].id)
    mailboxes.remove_greeting(box, Greeting.TEMPORARY)
    own = mailboxes.open(box).greetings[Greeting.BUSY]
    place.audio.put("own-greeting", place.audio.playable(own.audio_id))
    mailboxes.set_greeting(box, Greeting.UNAVAILABLE, type(own)("own-greeting", own.duration_ms))
    place.store.pins.change(box, "7777")
    place.store.registry.change(box, {"name": "Marie L.", "maxsecs": "60"}, ["email"])
    sounds = sorted(place.audio.ids())
    before = place.picture()

    report = place.bring(asterisk())
    assert place.picture() == before
    assert sorted(place.audio.ids()) == sounds
    assert report.messages.imported == 0
    assert report.messages.deleted_since == 2
    assert report.greetings.deleted_since == 1
    assert place.opens(box, "7777")


def test_a_message_deleted_for_good_does_not_come_back_nor_its_sound(place):
    place.bring(asterisk())
    box = MailboxId("1001")
    place.store.registry.change(box, {"trash_days": "0"})
    message = place.messages(box, Folder.NEW)[0]
    place.store.mailboxes.delete(box, message.id)
    place.audio.delete(message.id)
    report = place.bring(asterisk())
    assert report.messages.deleted_since == 1
    assert not place.audio.exists(message.id)
    assert message.id not in {one.id for one in place.messages(box)}


def test_what_came_into_the_old_system_meanwhile_comes_with_the_next_import(place, tmp_path):
    conf = write(tmp_path / "voicemail.conf", "[default]\n1001 => 4821,Alice Martin\n")
    inbox = tmp_path / "spool" / "default" / "1001" / "INBOX"
    unavailable = inbox.parent / "unavail.wav"
    write(unavailable, wav_bytes(1.0))
    for number in range(3):
        write(inbox / f"msg{number:04}.wav", wav_bytes(0.5, pitch=300 + number))
        write(inbox / f"msg{number:04}.txt", message_text(origtime=1795000000 + number))
    place.bring(read_asterisk(conf, tmp_path / "spool"))
    # Asterisk moves a message to Old, closes the gap, takes another; the owner records a new greeting there
    (inbox.parent / "Old").mkdir()
    for kind in ("wav", "txt"):
        (inbox / f"msg0000.{kind}").rename(inbox.parent / "Old" / f"msg0000.{kind}")
        (inbox / f"msg0001.{kind}").rename(inbox / f"msg0000.{kind}")
        (inbox / f"msg0002.{kind}").rename(inbox / f"msg0001.{kind}")
    write(inbox / "msg0002.wav", wav_bytes(0.5, pitch=900))
    write(inbox / "msg0002.txt", message_text(origtime=1795000100))
    write(unavailable, wav_bytes(2.0))
    report = place.bring(read_asterisk(conf, tmp_path / "spool"))
    assert (report.messages.imported, report.messages.already) == (1, 3)
    box = MailboxId("1001")
    assert [m.received for m in place.messages(box)] == [1795000000, 1795000001, 1795000002, 1795000100]
    assert place.store.mailboxes.open(box).greetings[Greeting.UNAVAILABLE].duration_ms == 2000


def test_a_store_that_goes_away_stops_the_import_and_the_next_one_ends_it(place, tmp_path):
    class Away:
        def __init__(self, port):
            self.port, self.calls = port, 0

        def __getattr__(self, name):
            return getattr(self.port, name)

        def deliver(self, *args, **how):
            self.calls += 1
            if self.calls == 5:
                raise StoreDownError("Redis does not answer")
            return self.port.deliver(*args, **how)

    target = Target(place.store.registry, Away(place.store.mailboxes), place.store.pins, place.audio)
    with pytest.raises(StoreDownError):
        place.bring(mod_voicemail(), target)
    report = place.bring(mod_voicemail())
    assert report.messages.already == 4
    assert report.messages.imported == expected("mod-voicemail")["totals"]["messages"] - 4


def test_a_mailbox_that_was_here_before_keeps_its_settings_and_gets_the_messages(place):
    box = MailboxId("1001")
    place.store.registry.add(box, {"name": "Alice Martin", "email": "alice@example.com"})
    place.store.pins.change(box, "9911")
    report = place.bring(asterisk())
    here = place.store.mailboxes.open(box)
    assert (here.name, here.email, here.timezone) == ("Alice Martin", "alice@example.com", "")
    assert place.opens(box, "9911")
    assert here.counts.of(Folder.NEW) == 5
    assert len(here.greetings) == 4
    assert report.mailboxes.already == 1
    assert [remark.where for remark in report.findings.remarks if remark.kind == "mailbox_here"] == ["1001@default"]


def test_a_quota_does_not_cost_a_message(real_redis, tmp_path):
    with real_redis.client() as client:
        place = Place(client, tmp_path, MailboxOptions(quota_seconds=2, maxmsg=1))
        report = place.bring(asterisk())
        assert report.messages.imported == 28
        full = [remark.where for remark in report.findings.remarks if remark.kind == "mailbox_full"]
        assert "1001@default" in full
        assert len(full) == len(set(full))
        assert "quota_seconds" not in place.store.registry.fields(MailboxId("1001"))


def test_two_thousand_messages_in_one_mailbox(place, tmp_path):
    conf = write(tmp_path / "voicemail.conf", "[default]\n1001 => 4821,Alice Martin\n")
    old = tmp_path / "spool" / "default" / "1001" / "Old"
    sound = wav_bytes(0.1)
    for number in range(2000):
        write(old / f"msg{number:04}.wav", sound)
        write(old / f"msg{number:04}.txt", message_text(origtime=1795000000 - number, msg_id=""))
    steps = []
    report = place.bring(
        read_asterisk(conf, tmp_path / "spool"), progress=lambda done, total, what: steps.append((done, total, what))
    )
    assert report.messages.imported == 2000
    box = MailboxId("1001")
    # the order in the folder is that of its numbers, whatever the dates say
    assert [m.received for m in place.messages(box, Folder.OLD)] == [1795000000 - number for number in range(2000)]
    assert steps[0] == (0, 2000, "1001@default")
    assert steps[-1][:2] == (2000, 2000)
    assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)
    again = place.bring(read_asterisk(conf, tmp_path / "spool"))
    assert again.messages.already == 2000
