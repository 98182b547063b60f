"""The pack `freeswitch`: which of FreeSWITCH's recordings say what a prompt says.

The table follows FreeSWITCH's list of its recordings and their words (docs/phrase/phrase_en.xml and phrase_fr.xml).
FreeSWITCH's fr-ca-june and en-us-callie were recorded for mod_voicemail's menus. What has no equivalent there is not
in this table and is missing in this pack: `esl-vm prompts check` names it, `esl-vm prompts build` can make it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.speech.recordings import PromptPack
from esl_vm.speech.spoken import primary_language

if TYPE_CHECKING:
    from esl_vm.speech.utterance import Prompt

FREESWITCH_FOLDERS = tuple(
    Path(folder)
    for folder in (
        "/usr/share/freeswitch/sounds",
        "/usr/local/freeswitch/sounds",
        "/usr/local/freeswitch/share/freeswitch/sounds",
        "/opt/freeswitch/share/freeswitch/sounds",
    )
)

_STAR, _POUND = "digits/star", "digits/pound"


def _press(what: str, key: str) -> tuple[str, ...]:
    """What FreeSWITCH's menus say of a key: "to listen to the recording, press 2"."""
    return (what, "voicemail/vm-press", key if key in {_STAR, _POUND} else f"digits/{key}")


_VM = "voicemail/vm-"
_IVR = "ivr/ivr-"
_DIR = "directory/dir-"

# Each prompt's ways to be said, the best first; each way is recordings in sequence, as KIND/FILE.
WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "auth-thankyou": ((f"{_IVR}thank_you",),),
    "digits/1F": (("digits/1_f",),),
    "digits/et": (("currency/and",),),
    "digits/minus": (("currency/minus",),),
    "dir-firstlast": ((f"{_DIR}letters_of_person_name",),),
    "dir-instr": ((*_press(f"{_DIR}to_select_entry", "1"), *_press(f"{_DIR}for_next", _STAR)),),
    "dir-multi3": ((f"{_IVR}extension_number",),),
    "dir-nomatch": ((f"{_DIR}no_match_entry",), (f"{_DIR}no_matching_results",)),
    "dir-nomore": ((f"{_DIR}no_more_results",), (f"{_DIR}no_more_result",)),
    "hours": (("time/hours",),),
    "im-sorry": ((f"{_IVR}im_sorry",),),
    "minute": (("time/minute",),),
    "pbx-invalid": ((f"{_VM}that_was_an_invalid_ext",), (f"{_IVR}you_have_dialed_an_invalid_extension",)),
    "second": (("time/second",),),
    "seconds": (("time/seconds",),),
    "spy-agent": ((f"{_VM}person",),),
    "transfer": ((f"{_IVR}hold_connect_call",),),
    "vm-INBOX": ((f"{_VM}new",),),
    "vm-Old": ((f"{_VM}saved",),),
    "vm-Urgent": ((f"{_VM}urgent",),),
    "vm-advopts": (_press(f"{_VM}advanced", "3"),),
    "vm-and": (("currency/and",),),
    "vm-delete": (_press(f"{_VM}delete_message", "7"), _press(f"{_VM}delete_recording", "7")),
    "vm-deleted": ((f"{_VM}message", f"{_VM}deleted"),),
    "vm-dialout": ((f"{_IVR}hold_connect_call",),),
    "vm-enter-num-to-call": ((f"{_IVR}please_enter_the_phone_number",),),
    "vm-extension": ((f"{_IVR}extension_number",), (f"{_IVR}enter_ext",)),
    "vm-first": (("digits/h-1",),),
    "vm-for": ((f"{_IVR}for",),),
    "vm-forward": (
        (*_press(f"{_IVR}extension_number", "1"), f"{_IVR}for_directory_press", "digits/2"),
        (*_press(f"{_IVR}enter_ext", "1"), f"{_IVR}for_directory_press", "digits/2"),
    ),
    "vm-forwardoptions": ((*_press(f"{_VM}forward_add_intro", "1"), *_press(f"{_VM}send_message_now", "2")),),
    "vm-from": ((f"{_VM}from",), (f"{_VM}message_from",)),
    "vm-from-extension": ((f"{_VM}message_from", f"{_IVR}extension_number"), (f"{_VM}message_from",)),
    "vm-from-phonenumber": ((f"{_VM}message_from",), (f"{_VM}from",)),
    "vm-goodbye": ((f"{_VM}goodbye",),),
    "vm-greetings-key": (_press(f"{_VM}to_record_greeting", "6"),),
    "vm-helpexit": ((*_press(f"{_IVR}to_repeat_these_options", _STAR), *_press(f"{_VM}to_exit", _POUND)),),
    "vm-incorrect": ((f"{_VM}fail_auth",),),
    "vm-incorrect-mailbox": ((f"{_VM}fail_auth", f"{_VM}enter_id", _POUND),),
    "vm-intro": ((f"{_VM}record_message",),),
    "vm-invalid-password": ((f"{_VM}password_not_valid",), (f"{_IVR}that_was_an_invalid_entry",)),
    "vm-isonphone": ((f"{_VM}not_available",),),
    "vm-isunavail": ((f"{_VM}not_available",),),
    "vm-last": ((f"{_VM}last",),),
    "vm-leave-key": (("voicemail/vm-press", "digits/1"),),
    "vm-login": ((f"{_VM}enter_id", _POUND),),
    "vm-mailboxfull": ((f"{_VM}mailbox_full",),),
    "vm-marked-urgent": ((f"{_VM}message", f"{_VM}marked-urgent"), (f"{_VM}message", f"{_VM}marked_urgent")),
    "vm-message": ((f"{_VM}message",),),
    "vm-messages": ((f"{_VM}messages",),),
    "vm-minutes": (("time/minutes",),),
    "vm-mismatch": ((f"{_IVR}that_was_an_invalid_entry",),),
    "vm-msgforwarded": ((f"{_VM}message_forwarded",),),
    "vm-msgsaved": ((f"{_IVR}recording_saved",), (f"{_VM}message", f"{_VM}saved")),
    "vm-newpassword": ((f"{_VM}enter_new_pin",), (f"{_VM}enter_pass", _POUND)),
    "vm-newuser": ((f"{_VM}hello",),),
    "vm-next": (_press(f"{_VM}play_next_message", "6"),),
    "vm-no": (("digits/0",),),
    "vm-nomore": ((f"{_VM}no_more_messages",),),
    "vm-num-i-have": ((f"{_IVR}number",),),
    "vm-onefor": ((f"{_VM}press", "digits/1", f"{_IVR}for"),),
    "vm-onefor-full": ((f"{_VM}press", "digits/1", f"{_IVR}for"),),
    "vm-options": (
        (
            *_press(f"{_VM}to_record_greeting", "1"),
            f"{_IVR}or",
            "digits/2",
            f"{_IVR}or",
            "digits/4",
            *_press(f"{_VM}record_name2", "3"),
            *_press(f"{_VM}change_password", "5"),
            *_press(f"{_VM}main_menu", _STAR),
        ),
    ),
    "vm-options-first": ((*_press(f"{_VM}to_record_greeting", "1"), f"{_IVR}or", "digits/2"),),
    "vm-passchanged": ((f"{_VM}password_has_been_changed",),),
    "vm-password": ((f"{_VM}enter_pass", _POUND),),
    "vm-pls-try-again": ((f"{_IVR}please_try_again",),),
    "vm-press": ((f"{_VM}press",),),
    "vm-prev": (_press(f"{_VM}play_previous_message", "4"),),
    "vm-reachoper": (_press(f"{_IVR}to_speak_with_an_operator", "0"),),
    "vm-rec-busy": ((f"{_VM}record_greeting",),),
    "vm-rec-name": ((f"{_VM}record_name1",),),
    "vm-rec-temp": ((f"{_VM}record_greeting",),),
    "vm-rec-unv": ((f"{_VM}record_greeting",),),
    "vm-received": ((f"{_VM}received",),),
    "vm-reenterpassword": ((f"{_IVR}please_reenter_your_pin",),),
    "vm-repeat": (_press(f"{_VM}repeat_message", "5"), _press(f"{_VM}listen_to_recording_again", "5")),
    "vm-review": (
        (
            *_press(f"{_VM}save_recording", "1"),
            *_press(f"{_VM}listen_to_recording", "2"),
            *_press(f"{_VM}rerecord", "3"),
        ),
    ),
    "vm-review-urgent": (_press(f"{_VM}mark-urgent", "4"), _press(f"{_VM}mark_urgent", "4")),
    "vm-savemessage": (_press(f"{_VM}save_message", "9"), _press(f"{_VM}save_recording", "9")),
    "vm-saveoper": (_press(f"{_VM}save_recording", "1"),),
    "vm-sorry": ((f"{_IVR}that_was_an_invalid_entry",),),
    "vm-star-cancel": (_press(f"{_IVR}to_return_to_previous_menu", _STAR),),
    "vm-starmain": (_press(f"{_VM}main_menu", _STAR),),
    "vm-tempgreeting2": ((*_press(f"{_VM}to_record_greeting", "1"), *_press(f"{_VM}delete_greeting", "2")),),
    "vm-tempremoved": ((f"{_VM}greeting", f"{_VM}deleted"),),
    "vm-then-pound": ((f"{_VM}followed_by_pound",), (f"{_IVR}followed_by_pound",)),
    "vm-theperson": ((f"{_VM}person",),),
    "vm-tocallback": (_press(f"{_VM}return_call", "2"),),
    "vm-tocallnum": (_press(f"{_VM}return_call", "1"),),
    "vm-tocancel": (_press(f"{_IVR}to_return_to_previous_menu", _POUND),),
    "vm-toforward": (_press(f"{_VM}to_forward", "8"),),
    "vm-tohearenv": (_press(f"{_VM}message_envelope", "3"),),
    "vm-tooshort": ((f"{_VM}too-small",),),
    "vm-undelete": (_press(f"{_VM}undelete_message", "7"),),
    "vm-undeleted": ((f"{_VM}message", f"{_VM}undeleted"),),
    "vm-unknown-caller": ((f"{_VM}message_from", f"{_IVR}anonymous_caller"),),
    "vm-which-number": ((f"{_VM}choose_greeting_choose",),),
    "vm-whichbox": ((f"{_IVR}enter_ext",),),
    "vm-youhave": ((f"{_VM}you_have",),),
}

_LETTERS = {f"letters/{letter}": (f"ascii/{ord(letter)}",) for letter in "abcdefghijklmnopqrstuvwxyz"}
_SIGNS = {"plus": "+", "dash": "-", "dot": ".", "at": "@", "ascii95": "_"}
_LETTERS |= {f"letters/{name}": (f"ascii/{ord(sign)}",) for name, sign in _SIGNS.items()}
_TIME_WORDS = frozenset({"a-m", "p-m", "at", "oclock", "oh", "today", "yesterday", "tomorrow"})


def candidates(name: str) -> tuple[tuple[str, ...], ...]:
    """The ways in which FreeSWITCH's recordings say a prompt, the best first; each is KIND/FILE in sequence.

    The same for both voices: they were recorded from one list, and what one lacks is not on the disk.
    """
    if name in WAYS:
        return WAYS[name]
    if name in _LETTERS:
        return (_LETTERS[name],)
    kind, _, rest = name.partition("/")
    if kind != "digits":
        return ()
    timely = rest in _TIME_WORDS or rest.startswith(("day-", "mon-"))
    return ((f"time/{rest}",) if timely else (name,),)


class FreeswitchPack(PromptPack):
    """FreeSWITCH's own recordings, of which it has fewer: a prompt may be made up of several.

    Args:
        folder: the folder that has `fr/ca/june` and `en/us/callie`.
    """

    kind = "freeswitch"
    _VOICES = ("fr/ca/june", "en/us/callie")
    _RATES = (8000, 16000, 32000, 48000)
    """Which recordings are played, samples a second: others where the first are not there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._voices: dict[str, tuple[Path, ...]] = {}

    def sources(self, prompt: Prompt) -> tuple[Path, ...]:
        """The recordings that make up a prompt."""
        for voice in self._of_language(prompt.language):
            for names in candidates(prompt.name):
                parts = [self._recording(voice, name) for name in names]
                if None not in parts:
                    return tuple(path for path in parts if path is not None)
        return ()

    def _playable(self, prompt: Prompt) -> tuple[str, ...]:
        return tuple(str(path) for path in self.sources(prompt))

    def _recording(self, voice: Path, name: str) -> Path | None:
        kind, _, file = name.partition("/")
        for rate in self._RATES:
            path = voice / kind / str(rate) / f"{file}.wav"
            if path.is_file():
                return path
        return None

    def _of_language(self, language: str) -> tuple[Path, ...]:
        primary = primary_language(language)
        found = self._voices.get(primary)
        if found is None:
            usual = [self.folder / voice for voice in self._VOICES if voice.startswith(f"{primary}/")]
            others = sorted(self.folder.glob(f"{primary}/*/*"))
            found = self._voices[primary] = tuple(path for path in dict.fromkeys(usual + others) if path.is_dir())
        return found
