"""`esl-vm greeting`, `spool`, `prompts`, `events`, `mail`, `doctor`."""

import dataclasses
import json
import tarfile
import wave

import pytest
import redis
from support.mail_neighbour import MailNeighbour

from esl_vm.audio.folder_audio import FolderAudio
from esl_vm.cli.settings_file import load_settings
from esl_vm.model.call import Ended, Recorded
from esl_vm.model.errors import SettingsError
from esl_vm.model.jobs import Job, JobKind, JobState
from esl_vm.model.mailbox import Folder, Greeting, MailboxId
from esl_vm.model.message import Caller, Message, new_id
from esl_vm.ops.agreement import must_have_its_sounds
from esl_vm.ops.checks import check_mail
from esl_vm.recordings import HANDOVER_SUFFIX
from esl_vm.recordings.outcome import Settled
from esl_vm.service.wiring import open_node

ALICE = MailboxId("1001")


@pytest.fixture
def alice(vm):
    assert vm("mailbox", "add", "1001", "--name", "Alice Martin").code == 0


class TestGreeting:
    def test_one_goes_in_and_comes_out(self, vm, alice, tone, tmp_path):
        assert "0:03" in vm("greeting", "import", "1001", "unavailable", tone(3.0)).out
        assert vm("mailbox", "show", "1001", "--json").json["greetings"]["unavailable"] is True
        [listed] = vm("greeting", "list", "1001", "--json").json
        assert listed == {
            "greeting": "unavailable", "duration_ms": 3000, "in_force": True, "from": None, "until": None,
        }  # fmt: skip
        assert vm("greeting", "export", "1001", "unavailable", tmp_path / "out.wav").code == 0
        with wave.open(str(tmp_path / "out.wav")) as sound:
            assert sound.getnframes() == 24000

    def test_any_rate_becomes_the_stores_own(self, vm, alice, tone, node):
        assert vm("greeting", "import", "1001", "name", tone(1.0, rate=44100)).code == 0
        stored = node.mailboxes.open(ALICE).greetings[Greeting.NAME]
        assert stored.duration_ms == pytest.approx(1000, abs=5)
        with wave.open(str(node.audio.playable(stored.audio_id))) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)

    def test_wide_band_where_the_installation_keeps_it(self, vm, alice, tone, node, tmp_path):
        settings = tmp_path / "wide.toml"
        settings.write_text("[audio]\nrate = 16000\n")
        assert vm("--config", settings, "greeting", "import", "1001", "name", tone(1.0, rate=44100)).code == 0
        stored = node.mailboxes.open(ALICE).greetings[Greeting.NAME]
        assert stored.duration_ms == 1000
        with wave.open(str(node.audio.playable(stored.audio_id))) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getnframes()) == (16000, 1, 16000)

    def test_a_temporary_one_may_have_dates_in_the_mailboxs_zone(self, vm, alice, tone):
        ran = vm(
            "greeting", "import", "1001", "temporary", tone(), "--from", "2099-12-24", "--until", "2100-01-04T08:00"
        )  # fmt: skip
        assert ran.code == 0
        [listed] = vm("greeting", "list", "1001", "--json").json
        assert listed["from"] == "2099-12-24T00:00:00-05:00"
        assert listed["until"] == "2100-01-04T08:00:00-05:00"
        assert listed["in_force"] is False

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["name", "--from", "2099-01-01"], "only a temporary greeting has dates"),
            (["temporary", "--from", "tomorrow"], "a date or date and time"),
            (["temporary", "--until", "2001-01-01"], "over before"),
            (["holiday"], "invalid choice"),
        ],
    )
    def test_what_cannot_be_is_refused(self, vm, alice, tone, words, told):
        ran = vm("greeting", "import", "1001", words[0], tone(), *words[1:])
        assert ran.code == 2
        assert told in ran.err
        assert vm("greeting", "list", "1001", "--json").json == []

    def test_what_is_no_sound_is_refused(self, vm, alice, tmp_path):
        (tmp_path / "no.wav").write_text("not a sound at all")
        (tmp_path / "empty.wav").touch()
        for name in ("no.wav", "empty.wav", "none.wav"):
            ran = vm("greeting", "import", "1001", "busy", tmp_path / name)
            assert ran.code == 2, name
            assert "Traceback" not in ran.err

    def test_it_is_removed(self, vm, alice, tone):
        vm("greeting", "import", "1001", "busy", tone())
        assert vm("greeting", "remove", "1001", "busy").code == 0
        assert vm("greeting", "remove", "1001", "busy").code == 1
        assert vm("greeting", "export", "1001", "busy", "x.wav").code == 1
        assert "default greeting" in vm("greeting", "list", "1001").out


class TestSpool:
    @pytest.fixture
    def left_behind(self, node, alice, tone):
        """Leave a message for 1001 while Redis is away; returns its id."""

        def leave():
            settings = dataclasses.replace(
                node.settings, redis=dataclasses.replace(node.settings.redis, url="redis://127.0.0.1:1")
            )
            message = Message("1a0000000aa-aaaaaaaaaaaa", caller=Caller("1002"), received=node.clock.now())
            with open_node(settings) as cut_off:
                take = cut_off.spool.take_message([ALICE], message, min_ms=500, trim_silence=False, threshold=128)
                with take:
                    take.path.write_bytes(tone(2.0).read_bytes())
                    take.recorded(Recorded(2000, Ended.KEY, "#"))
                    assert take.settle() is Settled.WAITING
            return take.id

        return leave

    def test_nothing_waits(self, vm, node):
        assert "nothing is waiting" in vm("spool", "list").out
        assert vm("spool", "list", "--json").json == []
        assert "nothing had to be settled" in vm("spool", "settle").out

    def test_what_waits_is_shown_and_settled(self, vm, left_behind):
        take = left_behind()
        [listed] = vm("spool", "list", "--json").json
        assert (listed["id"], listed["state"], listed["boxes"]) == (take, "waiting", ["1001@default"])
        assert take in vm("spool", "list").out
        assert vm("spool", "settle").code == 0
        assert [m["id"] for m in vm("message", "list", "1001", "--json").json] == [take]
        assert vm("spool", "list", "--json").json == []

    def test_one_is_settled_by_name(self, vm, left_behind):
        take = left_behind()
        [outcome] = vm("spool", "settle", take, "--json").json
        assert (outcome["id"], outcome["settled"]) == (take, "delivered")

    def test_one_that_is_not_there_is_told(self, vm, node):
        ran = vm("spool", "settle", "nonesuch")
        assert ran.code == 2
        assert "no take 'nonesuch'" in ran.err


class TestPrompts:
    def test_a_folder_without_prompts_is_told_with_where_to_get_them(self, vm, tmp_path):
        ran = vm("prompts", "check", "--prompts", tmp_path)
        assert ran.code == 1
        assert "INCOMPLETE" in ran.out
        assert "asterisk-core-sounds-fr-wav" in ran.out
        assert "asterisk-core-sounds-en-wav" in ran.out

    def test_a_folder_is_built_from_recordings(self, vm, tmp_path, tone):
        source = tmp_path / "source" / "fr"
        source.mkdir(parents=True)
        for name in ("vm-goodbye", "vm-youhave"):
            (source / f"{name}.wav").write_bytes(tone(1.0, rate=16000).read_bytes())
        ran = vm("prompts", "build", tmp_path / "built", "--prompts", tmp_path / "source", "--no-synthesis")
        assert ran.code == 1  # most are missing
        assert "converted" in ran.out
        assert "missing: vm-received" in ran.out
        with wave.open(str(tmp_path / "built/fr/vm-goodbye.wav")) as sound:
            assert sound.getframerate() == 8000

    def test_programs_are_told_each_prompt(self, vm, tmp_path):
        ran = vm("prompts", "check", "--prompts", tmp_path, "--json")
        found = {check["language"]: check for check in json.loads(ran.out)}
        assert "vm-youhave" in found["fr"]["prompts"]["missing"]


class TestEvents:
    def test_what_happened_is_shown_latest_last(self, vm, alice, leave):
        message_id = leave(caller=Caller("1002", "Bob"))
        lines = vm("events").out.splitlines()
        assert "box-added" in lines[0]
        assert "delivered" in lines[-1]
        assert message_id in lines[-1]

    def test_only_of_one_mailbox_only_the_last_only_so_far_back(self, vm, alice, leave):
        vm("mailbox", "add", "1002")
        leave("1002")
        whats = [json.loads(line)["what"] for line in vm("events", "--box", "1002", "--json").out.splitlines()]
        assert whats == ["box-added", "delivered"]
        assert len(vm("events", "--last", "1").out.splitlines()) == 1
        assert len(vm("events", "--since", "1h").out.splitlines()) == 3
        assert vm("events", "--last", "0").out == ""

    @pytest.mark.parametrize("words", [["--since", "yesterday"], ["--since", "5"], ["--last", "-1"]])
    def test_a_wrong_time_is_refused(self, vm, words):
        assert vm("events", *words).code == 2

    def test_no_pin_is_ever_in_them(self, vm, alice):
        vm("mailbox", "pin", "1001", "--pin-stdin", typed="482193\n")
        assert "482193" not in vm("events", "--json").out


class TestMail:
    def test_what_waits_for_a_server_is_tried_at_once_by_retry_all(self, vm, node):
        now, hour = node.clock.now(), 3600
        node.outbox.add(Job("mail-2", JobKind.MAIL, ALICE, {}, created=now, due=now + hour))
        assert "tried again now: 1" in vm("mail", "retry", "--all").out
        [job] = node.outbox.jobs(JobState.WAITING)
        assert job.due < now + hour / 2  # by the command's own clock, which may be ahead of this one

    @pytest.mark.parametrize(
        ("settings", "offers", "said"),
        [
            ({}, ["8BITMIME"], "answers"),
            ({"security": "starttls"}, ["8BITMIME"], "STARTTLS extension not supported"),
            ({"user": "u", "password": "p"}, ["AUTH PLAIN"], "535 no"),
        ],
    )
    def test_doctor_looks_at_the_mail_server_as_a_mail_does(self, node, monkeypatch, settings, offers, said):
        monkeypatch.setenv("PATH", "/nowhere")
        with MailNeighbour({"auth": b"535 no\r\n"}, offers) as server:
            mail = dataclasses.replace(node.settings.mail, host="127.0.0.1", port=server.port, **settings)
            looked = dataclasses.replace(node, settings=dataclasses.replace(node.settings, mail=mail))
            assert any(said in finding.said for finding in check_mail(looked))

    @pytest.fixture
    def given_up(self, node):
        job = Job("mail-1", JobKind.MAIL, ALICE, {"to": ["a@example.com"]}, created=1000.0, due=1000.0)
        node.outbox.add(job)
        claimed = node.outbox.claim(JobKind.MAIL, node.clock.now(), 60.0)
        node.outbox.give_up(claimed, "550 no such user")
        return job.id

    def test_nothing_waits(self, vm):
        assert "nothing waits" in vm("mail", "list").out
        assert "nothing was given up" in vm("mail", "list", "--dead").out

    def test_what_was_given_up_is_shown_and_tried_again(self, vm, given_up):
        assert "550 no such user" in vm("mail", "list", "--dead").out
        [job] = vm("mail", "list", "--json").json
        assert (job["id"], job["state"], job["error"]) == (given_up, "dead", "550 no such user")
        assert vm("mail", "retry", "--all").code == 0
        assert vm("mail", "list", "--dead", "--json").json == []
        assert [job["state"] for job in vm("mail", "list", "--json").json] == ["waiting"]

    def test_one_is_dropped(self, vm, given_up):
        assert vm("mail", "forget", given_up).code == 0
        assert vm("mail", "list", "--json").json == []

    def test_links_that_were_sent_are_made_void(self, vm, node):
        token = node.store.links.make(ALICE, "m1", node.clock.now() + 60, 60)
        assert "open nothing any more" in vm("mail", "revoke-links").out
        assert node.store.links.read(token) is None
        assert "no mail sent so far" in vm("mail", "revoke-links").out

    def test_one_that_is_not_there_is_told(self, vm):
        ran = vm("mail", "retry", "nonesuch")
        assert ran.code == 1
        assert "no such job" in ran.err
        assert vm("mail", "retry").code == 2


class TestDoctor:
    def of(self, vm, *words):
        ran = vm("doctor", "--json", *words)
        return ran.code, [(f["area"], f["level"], f["said"]) for f in json.loads(ran.out)]

    def test_each_finding_has_its_remedy(self, vm, redis_url):
        with redis.Redis.from_url(redis_url) as client:
            client.config_set("appendfsync", "no")
        ran = vm("doctor", "--json")
        findings = json.loads(ran.out)
        assert {"settings", "redis", "spool", "audio", "prompts", "freeswitch", "service"} <= {
            f["area"] for f in findings
        }
        assert all(finding["remedy"] for finding in findings if finding["level"] != "ok")
        assert "->" in vm("doctor").out

    def test_a_redis_that_can_lose_messages_is_an_error(self, vm, redis_url):
        with redis.Redis.from_url(redis_url) as client:
            client.config_set("appendonly", "no")
            client.config_set("maxmemory", "100mb")
            client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            code, findings = self.of(vm)
        finally:
            with redis.Redis.from_url(redis_url) as client:
                client.config_set("maxmemory", "0")
                client.config_set("maxmemory-policy", "noeviction")
        assert code == 1
        errors = " ".join(said for area, level, said in findings if (area, level) == ("redis", "error"))
        assert "appendonly no" in errors
        assert "allkeys-lru" in errors

    def test_its_exit_code_says_warnings_apart_from_errors(self, vm, monkeypatch):
        from esl_vm.model.findings import Finding, Level

        for levels, code, strict in (((), 0, 0), ((Level.WARNING,), 3, 1), ((Level.WARNING, Level.ERROR), 1, 1)):
            findings = [Finding("settings", level, "said", "remedy") for level in (Level.OK, *levels)]
            monkeypatch.setattr("esl_vm.cli.examine.examine", lambda *_, made=findings, **__: made)
            assert (vm("doctor").code, vm("doctor", "--strict").code) == (code, strict)

    def test_redis_away_is_one_finding_and_the_rest_is_looked_at(self, vm):
        ran = vm("doctor", "--json", at="redis://127.0.0.1:1")
        assert ran.code == 1
        findings = json.loads(ran.out)
        assert [f["level"] for f in findings if f["area"] == "redis"] == ["error"]
        assert [f for f in findings if f["area"] == "prompts"]

    def test_orphans_are_found_and_settled_both_ways(self, vm, alice, leave, node, tone):
        kept, lost = leave(), leave()
        node.audio.delete(lost)
        node.audio.put("10000000000-aaaaaaaaaaaa", tone())  # from long ago, and nobody's
        vm("greeting", "import", "1001", "busy", tone())
        node.audio.delete(node.mailboxes.open(ALICE).greetings[Greeting.BUSY].audio_id)

        code, findings = self.of(vm, "--orphans")
        assert code == 1
        sounds = [said for area, _, said in findings if area == "sounds"]
        assert len(sounds) == 3
        assert any(f"message: its sound {lost} is gone" in said for said in sounds)
        assert any("greeting busy" in said for said in sounds)
        assert any("10000000000-aaaaaaaaaaaa" in said for said in sounds)

        self.of(vm, "--repair")
        _, findings = self.of(vm, "--orphans")
        assert [level for area, level, _ in findings if area == "sounds"] == ["ok"]
        assert [m["id"] for m in vm("message", "list", "1001", "--json").json] == [kept]
        assert node.audio.exists(kept)

    def test_a_repair_is_undone_with_one_command(self, vm, alice, leave, node, tone):
        kept, lost = leave(), leave()
        vm("mailbox", "set", "1001", "trash_days=0")  # so that what is deleted is gone
        node.audio.delete(lost)
        unused = "10000000000-aaaaaaaaaaaa"
        node.audio.put(unused, tone())
        vm("greeting", "import", "1001", "busy", tone())
        busy = node.mailboxes.open(ALICE).greetings[Greeting.BUSY]
        node.audio.delete(busy.audio_id)
        before = node.mailboxes.message_ids(ALICE), vm("message", "list", "1001", "--json").json
        self.of(vm, "--repair")
        assert node.mailboxes.message_ids(ALICE)[Folder.NEW] == [kept]
        assert not node.audio.exists(unused)

        for _ in range(2):
            assert vm("doctor", "--undo-repair").code == 0

        assert (node.mailboxes.message_ids(ALICE), vm("message", "list", "1001", "--json").json) == before
        assert node.mailboxes.open(ALICE).greetings[Greeting.BUSY] == busy
        assert node.audio.playable(unused).read_bytes() == tone().read_bytes()

    def test_there_may_be_no_repair_to_undo(self, vm, alice):
        ran = vm("doctor", "--undo-repair")
        assert ran.code == 1
        assert "no repair has been made" in ran.err

    def test_most_sounds_missing_means_the_wrong_store(self, vm, alice, leave, node):
        ids = [leave() for _ in range(3)]
        vm("doctor")  # the store carries the installation's mark from now on
        for message_id in ids:
            node.audio.delete(message_id)
        code, findings = self.of(vm, "--repair")
        assert code == 1
        assert any("is this the right store of sounds?" in said for area, _, said in findings if area == "sounds")
        assert node.mailboxes.message_ids(ALICE)[Folder.NEW] == ids
        self.of(vm, "--repair", "--most", "3")
        assert node.mailboxes.message_ids(ALICE)[Folder.NEW] == []

    def test_more_than_a_handful_is_touched_only_when_told_so(self, vm, alice, leave, node, tone):
        leave()
        unused = [f"10000000000-aaaaaaaaa{number:03}" for number in range(21)]
        for sound in unused:
            node.audio.put(sound, tone())
        code, findings = self.of(vm, "--repair")
        assert code == 1
        assert any("21 messages, greetings and sounds would be touched" in said for _, _, said in findings)
        assert set(unused) < set(node.audio.ids())
        self.of(vm, "--repair", "--most", "21")
        assert not set(unused) & set(node.audio.ids())

    def test_a_store_of_sounds_that_is_another_installations_is_left_alone(
        self, vm, alice, leave, node, tone, tmp_path, monkeypatch
    ):
        """A folder without its mark, and one with another's: neither is used, compared or repaired."""
        message_id = leave()
        unused = "10000000000-aaaaaaaaaaaa"
        for mark in ("", "0123456789abcdef"):
            other = tmp_path / f"other{mark}"
            other.mkdir()
            FolderAudio(other).put(unused, tone())
            if mark:
                FolderAudio(other).claim(mark)
            file = tmp_path / "other.toml"
            file.write_text(f'[audio]\nstore = "folder"\nfolder = "{other}"\n')
            monkeypatch.setenv("ESL_VM_CONFIG", str(file))
            code, findings = self.of(vm, "--repair")
            assert code == 1
            why = "belongs to installation 0123456789abcdef" if mark else "none of 1 sounds that are in mailboxes"
            assert any(why in said for area, level, said in findings if (area, level) == ("audio", "error"))
            assert FolderAudio(other).exists(unused)
            assert FolderAudio(other).owner() == mark
            settings = load_settings(file, {"redis.url": node.redis_url, "data_dir": str(tmp_path / "data")})
            with open_node(settings) as wrong, pytest.raises(SettingsError, match=r"audio\.store"):
                must_have_its_sounds(wrong)
        assert node.mailboxes.message_ids(ALICE)[Folder.NEW] == [message_id]

    def test_a_message_that_waits_in_the_spool_is_no_orphan(self, vm, node, tone):
        message = Message("10000000000-bbbbbbbbbbbb", received=1000.0)
        with node.spool.take_message([ALICE], message, min_ms=0, trim_silence=False, threshold=128) as take:
            node.audio.put(message.id, tone())
            _, findings = self.of(vm, "--repair")
            assert [level for area, level, _ in findings if area == "sounds"] == ["ok"]
            take.discard()

    def test_what_was_handed_over_to_a_recordings_host_is_left_alone_for_a_week(self, vm, node, tone):
        now = node.clock.now()
        lately, long_ago = (new_id(now - days * 86400) + HANDOVER_SUFFIX for days in (5, 9))
        for handed in (lately, long_ago):
            node.audio.put(handed, tone())
        self.of(vm, "--repair")
        assert set(node.audio.ids()) == {lately}

    def test_the_bundle_has_no_secrets(self, vm, tmp_path):
        file = tmp_path / "esl-vm.toml"
        file.write_text('[mail]\npassword = "hunter2"\n')
        vm("--config", file, "doctor", "--bundle", tmp_path / "b.tar.gz")
        with tarfile.open(tmp_path / "b.tar.gz") as bundle:
            names = bundle.getnames()
            content = b"".join(bundle.extractfile(name).read() for name in names)
        parts = ("versions", "settings", "findings", "cluster", "redis", "spool")
        assert names == [f"esl-vm-support/{part}.json" for part in parts]
        assert b"hunter2" not in content

    def test_a_settings_file_with_secrets_that_everybody_may_read_is_told(self, vm, tmp_path):
        file = tmp_path / "esl-vm.toml"
        file.write_text('[mail]\npassword = "hunter2"\n')
        file.chmod(0o644)
        _, findings = self.of(vm, "--config", str(file))
        assert any("everybody may read" in said for _, _, said in findings)
        file.chmod(0o600)
        _, findings = self.of(vm, "--config", str(file))
        assert not any("everybody may read" in said for _, _, said in findings)
