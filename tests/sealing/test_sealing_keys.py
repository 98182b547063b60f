"""Keys from a file or a command, and what is sealed under them."""

import base64
import stat
import sys

import pytest

from esl_vm.model.errors import InvalidValueError, SealedError, SettingsError
from esl_vm.model.sealing import Keyless, close_transcript, is_sealed, key_of, open_transcript
from esl_vm.model.settings import PrivacySettings
from esl_vm.model.transcript import Segment, Transcript, TranscriptState
from esl_vm.sealing.keys import KeyRing, add_key, key_id, keys_in, open_seal, use_last_key

pytest.importorskip("cryptography", reason="esl-vm[encryption] is not installed")
OLD, NEW = b"o" * 32, b"n" * 32
SOUND = b"RIFF" + bytes(range(256)) * 20


def test_what_is_sealed_has_nothing_of_it_and_comes_back():
    ring = KeyRing([OLD])
    stored = ring.close(SOUND)
    assert is_sealed(stored)
    assert key_of(stored) == ring.key == key_id(OLD)
    assert all(SOUND[at : at + 8] not in stored for at in range(0, len(SOUND) - 8, 8))
    assert ring.open(stored) == SOUND
    assert ring.close(stored) == stored  # sealed once
    assert ring.close(SOUND) != stored  # under another data key


def test_what_lay_in_the_clear_stays_readable():
    assert KeyRing([OLD]).open(SOUND) == SOUND
    assert Keyless().open(SOUND) == Keyless().close(SOUND) == SOUND


@pytest.mark.parametrize("at", [0, 20, 60, 90, -1])
def test_what_was_altered_or_cut_short_is_no_sound(at):
    stored = bytearray(KeyRing([OLD]).close(SOUND))
    stored[at] ^= 1
    if at:  # else it is not known as sealed
        with pytest.raises(SealedError):
            KeyRing([OLD]).open(bytes(stored))
    for most in (12, 40, 86, 99, len(stored) - 1):
        with pytest.raises(SealedError):
            KeyRing([OLD]).open(KeyRing([OLD]).close(SOUND)[:most])


def test_two_keys_are_valid_while_one_takes_the_other_ones_place():
    stored = KeyRing([OLD]).close(SOUND)
    assert KeyRing([OLD, NEW]).renewed(stored) is None
    both = KeyRing([NEW, OLD])
    assert both.open(stored) == SOUND
    renewed = both.renewed(stored)
    assert renewed[-len(SOUND) :] == stored[-len(SOUND) :]  # the sound itself is not sealed anew
    assert KeyRing([NEW]).open(renewed) == SOUND
    assert KeyRing([NEW]).open(both.renewed(SOUND)) == SOUND


def test_a_key_that_is_lost_is_named():
    stored = KeyRing([OLD]).close(SOUND)
    for seal in (KeyRing([NEW]), Keyless(), Keyless("privacy.key_file: it is gone")):
        with pytest.raises(SealedError, match=key_id(OLD)):
            seal.open(stored)
        with pytest.raises(SealedError):
            seal.renewed(stored)
    with pytest.raises(SealedError, match="it is gone"):
        Keyless("privacy.key_file: it is gone").close(SOUND)  # nothing is stored in the clear instead


def test_a_file_gets_keys_and_lets_the_last_one_seal(tmp_path):
    path = tmp_path / "keys"
    first = add_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    second = add_key(path)
    seal = open_seal(PrivacySettings(key_file=str(path)))
    assert (seal.key, seal.keys) == (first, (first, second))
    assert use_last_key(path) == second
    assert open_seal(PrivacySettings(key_file=str(path))).keys == (second, first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_who_began_before_seals_under_the_key_of_now(tmp_path):
    path = tmp_path / "keys"
    first = add_key(path)
    seal = open_seal(PrivacySettings(key_file=str(path)))
    stored = seal.close(SOUND)
    second = add_key(path)
    assert (seal.key, seal.keys) == (first, (first, second))
    use_last_key(path)
    assert key_of(seal.close(SOUND)) == second
    renewed = seal.renewed(stored)
    keys = path.read_text()
    for half_copied in ("", keys[:20], "é"):
        path.write_text(half_copied, encoding="utf-8")
        assert seal.open(stored) == SOUND
    path.unlink()
    assert seal.keys == (second, first)
    path.write_text(keys.splitlines()[0])
    assert seal.open(renewed) == SOUND
    with pytest.raises(SealedError, match=first):
        seal.open(stored)


def test_a_command_tells_the_keys():
    told = base64.b64encode(OLD).decode()
    program = (sys.executable, "-c", f"print('# from the vault'); print('{told}')")
    assert open_seal(PrivacySettings(key_command=program)).key == key_id(OLD)
    fails = open_seal(PrivacySettings(key_command=(sys.executable, "-c", "import sys; sys.exit('no such secret')")))
    assert "ended with 1: no such secret" in fails.trouble
    assert "No such file" in open_seal(PrivacySettings(key_command=("/no/such/program",))).trouble


@pytest.mark.parametrize("text", ["", "# nothing\n", "short\n", base64.b64encode(b"k" * 31).decode(), "é"])
def test_what_is_no_file_of_keys_is_told_without_showing_it(tmp_path, text):
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")
    seal = open_seal(PrivacySettings(key_file=str(path)))
    assert seal.trouble.startswith("privacy.key_file: the key can't be read: ")
    assert not seal.key
    assert not text.strip("# \n") or text.strip() not in seal.trouble
    if text.strip("# \n"):
        with pytest.raises((InvalidValueError, SettingsError)):
            add_key(path)


def test_a_file_that_is_not_there_is_told():
    assert "No such file" in open_seal(PrivacySettings(key_file="/no/such/keys")).trouble
    assert open_seal(PrivacySettings()).trouble == ""


def test_without_cryptography_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(SettingsError, match=r"esl-vm\[encryption\]"):
        KeyRing([OLD])


def test_many_keys_are_no_file_of_keys():
    with pytest.raises(InvalidValueError, match="101 keys"):
        keys_in(f"{base64.b64encode(OLD).decode()}\n" * 101, "it")


SAID = Transcript(
    language="fr", engine="whisper", segments=(Segment(0, 900, "Bonjour"), Segment(900, 1800, "à bientôt"))
)


def test_of_a_transcript_the_words_are_sealed_and_the_rest_can_be_read():
    ring = KeyRing([OLD])
    stored = close_transcript(ring, SAID).stored()
    assert "Bonjour" not in stored
    read = Transcript.of(stored)
    assert (read.state, read.language, read.engine, read.text) == (TranscriptState.DONE, "fr", "whisper", "")
    assert open_transcript(ring, read) == SAID
    assert close_transcript(ring, read) == read
    assert open_transcript(KeyRing([NEW]), read) == read  # no words, and no error
    silent = Transcript(TranscriptState.NO_SPEECH)
    assert close_transcript(ring, silent) == silent
    assert close_transcript(Keyless(), SAID) == SAID
    with pytest.raises(SealedError):
        close_transcript(Keyless("no key"), SAID)
