"""What the terminal phone shows: a line for each thing said, dialled and recorded; on a terminal the last one lives."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from esl_vm.model.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from esl_vm.sim.heard import Heard

_CLEAR = "\r\x1b[2K"
_DIM, _BOLD, _RED, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[0m"
_NARROWEST = 30
_LEVELS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs before each line."""

    says: str = "♪"
    plays: str = "▶"
    key: str = "›"
    record: str = "●"
    phone: str = "☎"
    bullet: str = "•"
    cut: str = "…"


ASCII = Signs("<", "~", ">", "*", "-", "*", "...")


class Screen:
    """Where the terminal phone writes.

    Args:
        out: the stream. Colours and a living line only on a terminal; plain signs where it can't write others.
        words: what prompts say, as a sentence in a language.
        colours: whether it may have colours.
    """

    def __init__(self, out: TextIO, words: Callable[[Sequence[str], str], str], *, colours: bool = True) -> None:
        self.live = out.isatty()
        self._colours = colours
        self.signs = Signs() if _can_write(out, "♪▶›●☎•…▁█") else ASCII
        self._out = out
        self._words = words
        self._living = ""

    def line(self, sign: str, text: str, *, dim: bool = False, alarm: bool = False) -> None:
        """Write a line that stays, wrapped to the terminal's width."""
        self._wipe()
        text = one_line(text)
        if self.live:
            width = max(_NARROWEST, shutil.get_terminal_size().columns)
            body = textwrap.fill(text, width - 1, initial_indent=f"{sign} ", subsequent_indent="  ")
            self._write(self._coloured(body, _DIM if dim else _RED if alarm else "") + "\n")
        else:
            self._write(f"{sign} {text}\n")

    def living(self, sign: str, text: str, *, alarm: bool = False) -> None:
        """Write the line that changes, on a terminal; its end is shown if it is too long."""
        if not self.live:
            return
        text = one_line(text)
        room = max(_NARROWEST, shutil.get_terminal_size().columns) - len(sign) - 2
        if len(text) > room:
            text = self.signs.cut + text[-(room - len(self.signs.cut)) :]
        shown = self._coloured(f"{sign} {text}", _RED if alarm else _BOLD)
        if shown != self._living:
            self._living = shown
            self._write(_CLEAR + shown)

    def sentence(self, sounds: Sequence[Heard]) -> list[tuple[str, str]]:
        """What was heard, as lines with their signs: prompts as sentences, other sounds by their length."""
        lines: list[tuple[str, str]] = []
        spoken: list[Heard] = []
        for sound in sounds:
            if sound.name.startswith("<"):
                self._say(spoken, lines)
                what = (
                    "tone" if sound.name == "<tone>" else "a recording"
                )  # its file's name is an id, which tells nobody
                lines.append((self.signs.plays, f"{what} of {sound.length:.1f} s"))
            elif sound.name:
                spoken.append(sound)
        self._say(spoken, lines)
        return lines

    def level(self, level: int) -> str:
        """How loud the caller is, as a bar; `` where it can't be written."""
        if self.signs is ASCII:
            return ""
        return _LEVELS[min(len(_LEVELS) - 1, max(0, level).bit_length() * len(_LEVELS) // 15)]

    def _say(self, spoken: list[Heard], lines: list[tuple[str, str]]) -> None:
        if spoken:
            names, language = [sound.name for sound in spoken], spoken[-1].language
            text = self._words(names, language)
            if set(names) <= {"beep"}:
                text = f"({text.strip('[]. ')})"
            if text:
                lines.append((self.signs.says, text))
            spoken.clear()

    def _coloured(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if colour and self._colours else text

    def _wipe(self) -> None:
        if self._living:
            self._living = ""
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _can_write(out: TextIO, text: str) -> bool:
    try:
        text.encode(out.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
