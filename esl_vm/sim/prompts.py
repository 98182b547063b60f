"""How long each prompt is, on a machine with no sound files; and what a path to play is called.

The lengths in prompts.json are those of Debian's asterisk-core-sounds-fr-wav and -en-wav 1.6.1 (June and Allison).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from esl_vm.sound import wav

if TYPE_CHECKING:
    from collections.abc import Mapping


TELEPHONE_RATE = 8000
_LANGUAGE = re.compile(r"(?P<language>[a-z]{2})(?:[_-].*)?")
_OFFSET = re.compile(r"(?P<path>.+)@@(?P<samples>[0-9]+)")
_FILE_TYPE = re.compile(r"\.(?:wav|wav16|WAV|gsm|ulaw|alaw|sln|sln16|g722|PCMU|PCMA|r8|r16|raw|mp3|ogg)$")


@dataclass(frozen=True, slots=True)
class Playable:
    """What is known of a path to play.

    Args:
        path: as it was asked for, without a position.
        name: the prompt's name (`vm-youhave`, `digits/21`), `` for silence; of any other sound its file's: `<0199ab>` for
            `/spool/0199ab.wav`.
        language: `fr`, `en`, `` where the path names none.
        seconds: the length of the whole. rate: samples a second. start: the sample at which to begin.
    """

    path: str
    name: str
    language: str
    seconds: float
    rate: int = TELEPHONE_RATE
    start: int = 0

    @property
    def silent(self) -> bool:
        """Whether it is a pause, not a sound."""
        return not self.name


class Prompts:
    """Finds what a path to play is, and how long.

    Args:
        lengths: seconds by prompt by language, added to (and before) those of prompts.json.
    """

    def __init__(self, lengths: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self._lengths = {**_nominal()}
        for language, more in (lengths or {}).items():
            self._lengths[language] = {**self._lengths.get(language, {}), **more}
        self._names = frozenset(name for names in self._lengths.values() for name in names)

    def find(self, path: str) -> Playable | None:
        """What this path plays; None if there is no such file and no such prompt, as FreeSWITCH's FILE NOT FOUND."""
        if path.startswith(("silence_stream://", "tone_stream://")):
            return _stream(path)
        start = 0
        if positioned := _OFFSET.fullmatch(path):
            path, start = positioned["path"], int(positioned["samples"])
        name, language = self._name(path)
        if (measured := measure(path)) is not None:
            seconds, rate = measured
            return Playable(path, name or _stem(path), language, seconds, rate, start)
        nominal = self._lengths.get(language, {}).get(name)
        if nominal is None:
            return None
        return Playable(path, name, language, nominal, TELEPHONE_RATE, start)

    def _name(self, path: str) -> tuple[str, str]:
        """The prompt's name and language by a path's last parts; a sound outside a language's folder is no prompt."""
        parts = PurePosixPath(_FILE_TYPE.sub("", path)).parts
        languages = [m["language"] for part in parts[:-1] if (m := _LANGUAGE.fullmatch(part))]
        language = next((one for one in reversed(languages) if one in self._lengths), "")
        for name in ("/".join(parts[-2:]), parts[-1] if parts else ""):
            if language and name in self._names:
                return name, language
        return "", language


def measure(path: str | Path) -> tuple[float, int] | None:
    """The length in seconds and the samples a second of a sound file; None if it is not there or is no sound."""
    try:
        seen = Path(path).stat()
    except (OSError, ValueError):
        return None
    return _measure(str(path), seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=4096)
def _measure(path: str, _changed: int, _size: int) -> tuple[float, int] | None:
    """As `measure`; a file's time and size are there so that a changed one is read again."""
    try:
        sound = wav.measure(Path(path).resolve())
        return sound.frames / sound.rate, sound.rate
    except (wav.BrokenSoundError, OSError):
        pass
    import soundfile  # A-law in WAV, Ogg, FLAC

    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, OSError):
        return None
    return info.frames / info.samplerate, info.samplerate


def _stream(path: str) -> Playable | None:
    """Silence (`silence_stream://MS[,…]`) and tones (`tone_stream://%(ON,OFF,HZ)…`), both in milliseconds."""
    kind, _, what = path.partition("://")
    if kind == "silence_stream":
        milliseconds = what.partition(",")[0]
        return Playable(path, "", "", int(milliseconds) / 1000) if milliseconds.isdecimal() else None
    tones = re.findall(r"%\((\d+),(\d+),", what)
    return Playable(path, "<tone>", "", sum(int(on) + int(off) for on, off in tones) / 1000) if tones else None


def _stem(path: str) -> str:
    return f"<{PurePosixPath(_FILE_TYPE.sub('', path)).name}>"


@lru_cache(maxsize=1)
def _nominal() -> dict[str, dict[str, float]]:
    """The table of prompts.json: seconds by prompt by language."""
    table: dict[str, dict[str, float]] = json.loads(resources.files(__package__).joinpath("prompts.json").read_text())
    return table
