"""Parts of recordings: where a pack's file names another product, or says more than is wanted.

Times are those of June's and Allison's recordings in Asterisk's core sounds 1.6. A cut is made only of a recording as
long as the one it was measured in; any other is left whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.speech.spoken import primary_language

if TYPE_CHECKING:
    from esl_vm.sound.resample import Samples

_SAME_LENGTH_MS = 30
"""A recording kept in blocks (GSM) is so much longer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a recording, in milliseconds.

    Args:
        whole_ms: how long the recording is. start_ms, end_ms: from where to where; end_ms 0: to the end.
        whole: the recording's name, where what it says besides is of no use here; `` = the prompt's own, or its substitute.
    """

    whole_ms: int
    start_ms: int = 0
    end_ms: int = 0
    whole: str = ""

    def of(self, name: str, samples: Samples, rate: int) -> Samples:
        """The part of a recording of that name, one channel; the whole of one that is another recording.

        Raises:
            ValueError: it is another, and the whole of it is of no use.
        """
        if abs(len(samples) * 1000 // rate - self.whole_ms) > _SAME_LENGTH_MS:
            if name == self.whole:
                raise ValueError(f"the recording {name} is another than the one it is cut from")
            return samples
        start, end = (rate * ms // 1000 for ms in (self.start_ms, self.end_ms))
        return samples[start : end or len(samples)]


CUTS = {
    # "Messagerie Asterisk." / "Veuillez composer votre numéro de boîte vocale."
    ("fr", "vm-login"): Cut(4216, start_ms=1620),
    # "Bienvenue à la messagerie Comedian." / "Pour commencer, nous allons vous aider à configurer votre boîte vocale."
    ("fr", "vm-newuser"): Cut(6268, start_ms=2400),
    # "Bienvenue dans le répertoire" / "d'Asterisk."
    ("fr", "dir-welcome"): Cut(2490, end_ms=1360),
    # "Comedian Mail." / "Mailbox?"
    ("en", "vm-login"): Cut(2543, start_ms=1360),
    # "Welcome to Comedian Mail." / "First, I will guide you through a short setup process."
    ("en", "vm-newuser"): Cut(6068, start_ms=2200),
    # vm-intro: "Veuillez laisser votre message après le bip sonore." / "Lorsque vous aurez terminé, veuillez raccrocher…"
    ("fr", "vm-intro-short"): Cut(7213, end_ms=2790),
    # vm-intro: "Please leave your message after the tone." / "When done, hang up or press the pound key."
    ("en", "vm-intro-short"): Cut(5654, end_ms=2220),
    # "Veuillez entrer un ou plusieurs mots clés," / "séparés par l'étoile, puis appuyez sur dièse."
    ("fr", "vm-separated"): Cut(5802, start_ms=2650, whole="demo-enterkeywords"),
    # "Please enter one or more keywords" / "separated by star, and then press the pound key."
    ("en", "vm-separated"): Cut(6658, start_ms=2960, whole="demo-enterkeywords"),
}


def cut_of(name: str, language: str) -> Cut | None:
    """What of a recording is said for a prompt; None: all of it."""
    return CUTS.get((primary_language(language), name))
