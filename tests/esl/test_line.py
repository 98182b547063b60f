"""A line on which nothing can be played: FreeSWITCH passes its codec through, and can't make it."""

import logging

import pytest
from esl_peer import Switch
from fakeredis import FakeRedis
from support.rig import Rig

from esl_vm.dialogue.front_door import answer_call
from esl_vm.esl.phone import EslPhone
from esl_vm.esl.session import CallSession
from esl_vm.model.errors import LineError
from esl_vm.ops.check_codecs import check_codecs
from esl_vm.speech.packs import NominalPack
from esl_vm.speech.utterance import Prompt

SAID = (Prompt("vm-intro", "en"),)


class Dumb(Switch):
    """Plays nothing whose name contains one of these words, as FreeSWITCH on a G.729 line that it passes through."""

    def __init__(self, *words):
        super().__init__(lasts={"": 0.0})
        self._words = words

    def results(self, running):
        fails = running.name == "playback" and any(word in running.argument for word in self._words)
        return {"Channel__Read__Codec__Name": "G729", "Application__Response": "PLAYBACK ERROR"} if fails else {}


def phone_on(switch):
    session = CallSession(("127.0.0.1", 40000), switch, clock=switch.clock)
    return session, EslPhone(session, session.connect(), NominalPack())


def test_the_codec_is_named_once():
    _, phone = phone_on(Dumb("vm-", "silence_stream"))
    with pytest.raises(LineError, match="G729"):
        phone.play(SAID, "")


def test_one_prompt_that_is_broken_is_left_out():
    switch = Dumb("vm-intro")
    _, phone = phone_on(switch)
    assert phone.play(SAID, "") is None
    assert phone.play((Prompt("vm-goodbye", "en"),), "") is None


def test_the_call_goes_back_at_once_and_the_dialplan_is_told(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    switch = Dumb("vm-", "silence_stream")
    session, phone = phone_on(switch)
    rig = Rig(tmp_path, redis=FakeRedis())
    answer_call(phone, rig.world)
    session.hand_back()
    assert (switch.variables["vm_status"], switch.variables["vm_cause"]) == ("FAILED", "codec")
    assert switch.commands[-1] == "exit"
    assert switch.time < 1
    (line,) = [record.getMessage() for record in caplog.records]
    assert "G729" in line


class Asked:
    """A FreeSWITCH that is asked for its codecs."""

    def __init__(self, codecs, modules=()):
        self._codecs, self._modules = codecs, modules

    def api(self, line):
        if line == "sofia xmlstatus":
            return "<profile>\\n<name>internal</name>".replace("\\n", chr(10))
        if line.startswith("module_exists"):
            return str(line.split()[1] in self._modules).lower()
        return f"<inbound-codecs>{self._codecs}</inbound-codecs>"


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (Asked("OPUS,G722,PCMU,PCMA"), []),
        (Asked("PCMU,G729"), ["G729"]),
        (Asked("PCMU,G729", ("mod_bcg729",)), []),
        (Asked("G723,G729@8000h@20i"), ["G723", "G729@8000H@20I"]),
    ],
)
def test_doctor_names_codecs_that_can_only_be_passed_through(asked, named):
    assert [one.said.split("agrees on ")[1].partition(",")[0] for one in check_codecs(asked)] == named
