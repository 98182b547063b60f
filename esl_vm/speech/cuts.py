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
    """

    whole_ms: int
    start_ms: int = 0
    end_ms: int = 0

    def is_of(self, samples: Samples, rate: int) -> bool:
        """Whether that is the recording it was measured in."""
        return abs(len(samples) * 1000 // rate - self.whole_ms) <= _SAME_LENGTH_MS

    def of(self, samples: Samples, rate: int) -> Samples:
        """The part of a recording, one channel; the whole of one that is another recording."""
        if not self.is_of(samples, rate):
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
}


def cut_of(name: str, language: str) -> Cut | None:
    """What of a recording is said for a prompt; None: all of it."""
    return CUTS.get((primary_language(language), name))


MADE_OF: dict[tuple[str, str], tuple[tuple[str, Cut | None], ...]] = {
    # "Veuillez entrer un ou plusieurs mots clés," / "séparés par l'étoile, puis appuyez sur dièse."
    ("fr", "vm-separated"): (("demo-enterkeywords", Cut(5802, start_ms=2650)),),
    # "Please enter one or more keywords" / "separated by star, and then press the pound key."
    ("en", "vm-separated"): (("demo-enterkeywords", Cut(6658, start_ms=2960)),),
    # "Pour enregistrer votre message de non-disponibilité, appuyez sur 1. Votre message occupé, 2." / "Votre nom, …"
    ("fr", "vm-options-first"): (("vm-options", Cut(15993, end_ms=6090)),),
    # "Press 1 to record your unavailable message, press 2 to record your busy message," / "press 3 …"
    ("en", "vm-options-first"): (("vm-options", Cut(16369, end_ms=5900)),),
    # "Pour entrer un numéro," / "appuyez sur 1"
    ("fr", "vm-which-number"): (
        ("vm-toenternumber", Cut(2779, end_ms=1400)),
        *((name, None) for name in ("vm-press", "digits/1", "digits/at", "digits/9")),
    ),
    ("en", "vm-which-number"): (("number", None),),
    # "Il y a" / "présentement plus de"
    ("fr", "vm-ago"): (("queue-quantity1", Cut(1971, start_ms=50, end_ms=480)),),
    # "… Pour la gestion des messages d'accueil" / "et des mots de passe, appuyez sur zéro."
    ("fr", "vm-greetings-key"): (
        ("vm-opts-full", Cut(15230, start_ms=10200, end_ms=12220)),
        *(("vm-press", None), ("digits/6", None)),
    ),
    # "… Press 0 for" / "greetings" / "and password management."
    ("en", "vm-greetings-key"): (
        *(("vm-press", None), ("digits/6", None), ("vm-for", None)),
        ("vm-opts-full", Cut(11154, start_ms=8540, end_ms=9110)),
    ),
    # "Pour laisser un message," / "entrez le numéro de la boîte vocale."
    ("fr", "vm-leave-key"): (
        ("vm-whichbox", Cut(3499, end_ms=1340)),
        *(("vm-press", None), ("digits/1", None)),
    ),
    # "To leave a message," / "please enter a mailbox number."
    ("en", "vm-leave-key"): (
        ("vm-whichbox", Cut(3200, end_ms=1200)),
        *(("vm-press", None), ("digits/1", None)),
    ),
    ("fr", "listen-keys"): (
        # "… pour quitter la boîte vocale, appuyez sur dièse." / "Durant l'écoute du message, vous pouvez appuyer sur étoile
        # pour revenir en arrière, et sur dièse pour une avance rapide."
        ("vm-msginstruct", Cut(23118, start_ms=16150)),
        # "Pour faire une pause, appuyez sur" / "étoile …"
        ("dictate/both_help", Cut(6135, end_ms=1750)),
        ("digits/0", None),
    ),
    ("en", "listen-keys"): (
        *(("dictate/playback", None), ("vm-press", None), ("digits/star", None)),
        # "… press 7" / "to jump backwards," / "press 8" / "to jump forwards."
        ("dictate/play_help", Cut(10193, start_ms=6400, end_ms=7440)),
        *(("vm-press", None), ("digits/pound", None)),
        ("dictate/play_help", Cut(10193, start_ms=8570)),
        *(("vm-press", None), ("digits/0", None)),
        # "Press star" / "to toggle pause," / "press pound to enter a new dictation filename."
        ("dictate/both_help", Cut(5866, start_ms=1110, end_ms=2300)),
    ),
}
"""Prompts that are put together of other recordings, whole or parts of them; elsewhere of no use."""


def made_of(name: str, language: str) -> tuple[tuple[str, Cut | None], ...]:
    """The recordings that a prompt without one of its own is put together of, each with the part of it; mostly none."""
    return MADE_OF.get((primary_language(language), name), ())
