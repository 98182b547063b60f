"""What FreeSWITCH is given to play: lists whose members mean one file each, and how long a WAV file is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.esl.commands import checked
from esl_vm.model.errors import UnsafeArgumentError
from esl_vm.sound.wav import BrokenSoundError, read_header
from esl_vm.speech.spacing import with_pauses
from esl_vm.speech.utterance import Prompt, Sound

if TYPE_CHECKING:
    from esl_vm.sound.wav import Wave
    from esl_vm.speech.prepared import PreparedPack
    from esl_vm.speech.recordings import PromptPack
    from esl_vm.speech.utterance import Utterance

    SpokenPrompts = PromptPack | PreparedPack
    """Where the prompts of each language lie."""

# What is between the files of one `playback`, with the variables below; docs/decisions/0006-playback-lists.md says why
# not `file_string`.
BETWEEN = "!"
LIST_VARIABLES = {"playback_delimiter": BETWEEN, "playback_sleep_val": "0"}
# The most files FreeSWITCH takes in one list (switch_ivr_play_say.c: switch_ivr_play_file).
MOST_MEMBERS = 128
# What a file that isn't here, or is no WAV file, is taken to have.
USUAL_RATE = 8000


def playlists(utterance: Utterance, pack: SpokenPrompts) -> tuple[str, ...]:
    """What `playback` is told to say an utterance: nearly always one list; none for what no file says.

    Raises:
        UnsafeArgumentError: a file that FreeSWITCH can't be told to play.
    """
    return _playlists(utterance, pack, pack.as_of)  # packs are told apart by identity


@lru_cache(maxsize=1024)  # a menu says the same at every step of every call
def _playlists(utterance: Utterance, pack: SpokenPrompts, _as_of: int) -> tuple[str, ...]:
    files: list[str] = []
    for part in with_pauses(utterance) if pack.spaced else utterance:
        if isinstance(part, Prompt):
            files += map(safe_member, pack.files(part))
        elif isinstance(part, Sound):
            files.append(safe_path(part.path))
        elif part.ms > 0:
            files.append(f"silence_stream://{int(part.ms)}")
    return tuple(BETWEEN.join(files[at : at + MOST_MEMBERS]) for at in range(0, len(files), MOST_MEMBERS))


@lru_cache(maxsize=4096)  # prompts are few and said often
def safe_member(name: str) -> str:
    """A file's name or a stream (`tone_stream://…`) if it stays one member of a list.

    Raises:
        UnsafeArgumentError: `!` begins the next member; quotes and backslashes are taken out by FreeSWITCH
            (switch_separate_string); `@@` is an offset; `${` is expanded; blanks at the ends are cut.
    """
    checked(name)
    if not name or name != name.strip() or any(mark in name for mark in ("!", "'", "\\", "${", "@@")):
        raise UnsafeArgumentError(f"not a file FreeSWITCH can be told to play: {name!r}")
    return name


def safe_path(path: str) -> str:
    """The path of a file of ours: a member that is no stream and has no parameters; raises UnsafeArgumentError."""
    if "://" in path or path.startswith(("{", "[")):
        raise UnsafeArgumentError(f"not a file's path: {path!r}")
    return safe_member(path)


def offset_path(path: str, samples: int) -> str:
    """A path to be played from that sample on; raises UnsafeArgumentError.

    FreeSWITCH looks for the offset at the first `@` of the path (mod_dptools.c: playback_function).
    """
    if samples <= 0:
        return safe_path(path)
    if "@" in path:
        raise UnsafeArgumentError(f"a path with @ can't be played from the middle: {path!r}")
    return f"{safe_path(path)}@@{samples}"


def wave_of(path: str) -> Wave | None:
    """What a WAV file's header says; None for a file that isn't here, or is no WAV file."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a plain open is a third of Path.open, and it is done per key
            return read_header(file.fileno())
    except (BrokenSoundError, OSError):
        return None
