"""The silence between what is said: a breath between sentences, hardly any within one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.sound.shaping import WORD_GAP_MS
from esl_vm.speech.utterance import Pause, Prompt
from esl_vm.speech.words import begins_clause, ends_sentence

if TYPE_CHECKING:
    from esl_vm.speech.utterance import Sound, Utterance

SENTENCE_GAP_MS = 300

# A sentence that is put together begins with one of these; so does one that follows another.
_BEGINNINGS = frozenset(
    {
        "dir-pls-enter",
        "vm-enter-num-to-call",
        "vm-first",
        "vm-last",
        "vm-num-i-have",
        "vm-onefor",
        "vm-onefor-full",
        "vm-press",
        "vm-theperson",
        "vm-youhave",
    }
)
_WITHIN = frozenset({"vm-youhave", "vm-no"})  # after these nothing begins: "you have no messages"


def with_pauses(utterance: Utterance) -> Utterance:
    """An utterance of prepared prompts, with the pauses that are longer than that between words.

    Every prepared prompt ends in the silence between words. A pause of the utterance's own is as long as it says.
    """
    said: list[Prompt | Sound | Pause] = []
    before: Prompt | Sound | Pause | None = None
    for part in utterance:
        if isinstance(part, Pause):
            said.append(Pause(max(0, part.ms - WORD_GAP_MS)) if isinstance(before, Prompt) else part)
        else:
            if isinstance(before, Prompt) and _is_boundary(before, part if isinstance(part, Prompt) else None):
                said.append(Pause(SENTENCE_GAP_MS - WORD_GAP_MS))
            said.append(part)
        before = part
    return tuple(said)


def _is_boundary(before: Prompt, after: Prompt | None) -> bool:
    """Whether a sentence, or a clause of it, ends between two prompts; None: a sound that is no prompt follows."""
    if ends_sentence(before.name, before.language):
        return True
    if after is None or before.name in _WITHIN:
        return False
    return (
        after.name in _BEGINNINGS
        or begins_clause(after.name, after.language)
        or (after.name == "vm-no" and after.language == "fr")
    )
