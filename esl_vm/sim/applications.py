"""The dialplan applications a simulated node knows. Each starts and, at once or later, tells the call that it is over."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.call import ALL_KEYS
from esl_vm.sim.playback import PlayEnd, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from esl_vm.sim.call import SimCall
    from esl_vm.sim.orders import SimApplication
    from esl_vm.sim.recording import RecordEnd

_READ_AHEAD = 16_384
"""FreeSWITCH reads sound files so many samples at a time; playback_samples counts what was read."""
_RECORDABLE = {".wav"}
_LEAD_IN = "silence_stream://250"
"""A `file_string` begins with so much silence, unless its first file is missing (mod_dptools.c)."""
_BETWEEN_MS = "250"
"""`playback_sleep_val` unless set: the pause between files divided by `playback_delimiter` (switch_ivr_play_say.c)."""


def _answer(call: SimCall, running: SimApplication) -> None:
    call.answer()
    call.completed(running)


def _pre_answer(call: SimCall, running: SimApplication) -> None:
    call.start_media()
    call.completed(running)


def _playback(call: SimCall, running: SimApplication) -> None:
    channel = call.channel
    if not running.argument:
        call.completed(running, "PLAYBACK ERROR")
        return
    call.start_media()
    channel.set("playback_terminator_used", None)
    members = _members(running.argument, channel.variables)
    counts_all = running.argument.startswith("file_string://")
    if counts_all and call.line.prompts.find(members[0]):
        members.insert(0, _LEAD_IN)

    def ended(end: PlayEnd) -> None:
        if end.reason is Stopped.MISSING:
            call.completed(running, "FILE NOT FOUND")
            return
        if end.key:
            channel.set("playback_terminator_used", end.key)
        heard = round(end.seconds * end.rate)
        whole = end.reason is Stopped.DONE
        read = heard if whole else math.ceil(max(heard, 1) / _READ_AHEAD) * _READ_AHEAD
        channel.set("playback_last_offset_pos", str(heard if counts_all else end.position))
        channel.set("playback_seconds", str(read // end.rate))
        channel.set("playback_ms", str(read * 1000 // end.rate))
        channel.set("playback_samples", str(read))
        response = "PLAYBACK ERROR" if end.reason is Stopped.HANG_UP else "FILE PLAYED"
        call.completed(running, response, broken=end.reason is Stopped.BREAK)

    running.listed = not counts_all and len(members) > 1
    running.handle = call.line.start_play(members, terminators(call), ended)


def _members(argument: str, variables: Mapping[str, str]) -> list[str]:
    """The files of an argument; `{…}` parameters before it are left out."""
    if argument.startswith("{") and "}" in argument:
        argument = argument[argument.index("}") + 1 :]
    if argument.startswith("file_string://"):
        return argument.removeprefix("file_string://").split("!")
    delimiter = variables.get("playback_delimiter", "")[:1]
    if not delimiter:
        return [argument]
    pause = variables.get("playback_sleep_val", _BETWEEN_MS)
    between = [] if pause == "0" or not pause.isdecimal() else [f"silence_stream://{pause}"]
    first, *others = argument.split(delimiter)
    return [first, *(member for file in others for member in (*between, file))]


def terminators(call: SimCall) -> str:
    """The keys that end a playback or a recording: `playback_terminators`, the star unless set."""
    wanted = call.channel.variables.get("playback_terminators", "*")
    if wanted == "none":
        return ""
    return ALL_KEYS if wanted == "any" else wanted


def _record(call: SimCall, running: SimApplication) -> None:
    channel = call.channel
    try:
        words = shlex.split(running.argument)
    except ValueError:
        words = running.argument.split()
    path = Path(words[0] if words else "")
    numbers = [int(word) if word.isdecimal() else 0 for word in [*words[1:4], "", "", ""]][:3]
    limit, threshold, silence = numbers
    call.start_media()
    now = call.node.schedule.now()

    def ended(end: RecordEnd) -> None:
        channel.media = "PCMU"
        if end.reason is Stopped.SILENCE:
            channel.set("silence_hits_exhausted", "true")
        if end.key:
            channel.set("playback_terminator_used", end.key)
        channel.set("record_record_file_size", str(end.size))
        channel.set("record_file_size", str(end.size))
        channel.set("record_seconds", str(end.milliseconds // 1000))
        channel.set("record_ms", str(end.milliseconds))
        channel.set("record_samples", str(end.samples))
        channel.set("read_codec", "PCMU")
        channel.set("read_rate", "8000")
        call.completed(running, broken=end.reason is Stopped.BREAK)

    if path.suffix not in _RECORDABLE:
        call.hang_up("DESTINATION_OUT_OF_ORDER")
        return
    try:
        running.handle = call.line.start_record(
            path,
            # FreeSWITCH compares whole seconds of the clock and asks for more than the limit.
            limit_s=math.floor(now) + limit + 1 - now if limit else 0,
            threshold=threshold,
            silence_s=(silence or 3) if threshold else 0,
            terminators=terminators(call),
            on_done=ended,
        )
    except OSError:
        call.hang_up("DESTINATION_OUT_OF_ORDER")
        return
    channel.media = "L16"
    channel.set("silence_hits_exhausted", "false")
    channel.set("playback_terminator_used", None)
    channel.set("read_codec", "L16")
    channel.set("read_rate", "8000")


def _sleep(call: SimCall, running: SimApplication) -> None:
    argument = running.argument.strip()
    milliseconds = int(argument) if argument.isdecimal() else 0
    eats = call.channel.variables.get("sleep_eat_digits") == "true"
    running.timer = call.node.schedule.call_later(milliseconds / 1000, lambda: call.completed(running))
    running.cut_by_keys = not eats


def _transfer(call: SimCall, running: SimApplication) -> None:
    words = running.argument.split()
    call.transfer(words[0] if words else "", words[2] if len(words) > 2 else "", running)


APPLICATIONS: dict[str, Callable[[SimCall, SimApplication], None]] = {
    "answer": _answer,
    "pre_answer": _pre_answer,
    "playback": _playback,
    "record": _record,
    "sleep": _sleep,
    "transfer": _transfer,
}
