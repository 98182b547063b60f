"""A channel of FreeSWITCH: its variables, its states, and how events describe it, byte for byte as FreeSWITCH 1.11 does.

Facts of order and encoding were seen on a FreeSWITCH 1.11 with SIP calls: a variable that is set moves to the end, an
empty value unsets it, the values of events are URL-encoded, those of replies are not.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.sim.leg import Leg

Headers = list[tuple[str, str]]

CORE_UUID = "5f2a1c7e-0b61-4d6e-9a53-7c1e5b7d9f10"
HOSTNAME = "sim"
_UNSAFE = frozenset(b'\r\n #%&+:;<=>?@[\\]^`{|}"')
_ENCODED = [chr(n) if 0x20 <= n <= 0x7E and n not in _UNSAFE else f"%{n:02X}" for n in range(256)]
_ENCODED_TWICE = re.compile("%25([0-9A-F]{2})")

SOURCES = {
    "CHANNEL_DATA": ("mod_event_socket.c", "parse_command", 2029),
    "CHANNEL_EXECUTE": ("switch_core_session.c", "switch_core_session_exec", 2949),
    "CHANNEL_EXECUTE_COMPLETE": ("switch_core_session.c", "switch_core_session_exec", 2972),
    "CHANNEL_ANSWER": ("switch_channel.c", "switch_channel_perform_mark_answered", 3848),
    "CHANNEL_PROGRESS_MEDIA": ("switch_channel.c", "switch_channel_perform_mark_pre_answered", 3564),
    "CHANNEL_HANGUP": ("switch_channel.c", "switch_channel_perform_hangup", 3447),
    "CHANNEL_HANGUP_COMPLETE": ("switch_core_state_machine.c", "switch_core_session_reporting_state", 943),
    "CHANNEL_STATE": ("switch_channel.c", "switch_channel_perform_set_running_state", 2409),
    "CHANNEL_HOLD": ("switch_channel.c", "switch_channel_mark_hold", 876),
    "CHANNEL_UNHOLD": ("switch_channel.c", "switch_channel_mark_hold", 876),
    "CHANNEL_PARK": ("switch_ivr.c", "switch_ivr_park", 1002),
    "CHANNEL_UNPARK": ("switch_ivr.c", "switch_ivr_park", 1213),
    "DTMF": ("switch_channel.c", "switch_channel_dequeue_dtmf", 678),
}
"""The place in FreeSWITCH each event comes from, as its headers tell it."""

EXTENDED = frozenset(SOURCES) - {"CHANNEL_STATE", "DTMF"}
"""Events that carry the channel's variables."""

CAUSES = {"NORMAL_CLEARING": 16, "USER_BUSY": 17, "NO_ROUTE_DESTINATION": 3, "DESTINATION_OUT_OF_ORDER": 27}
"""Q.850 numbers of hang-up causes; any other counts as 31, normal."""


@lru_cache(maxsize=8192)
def encode(value: str) -> str:
    """URL-encode as FreeSWITCH does: commas, slashes and parentheses stay as they are, and so does what looks encoded."""
    if value.isalnum() and value.isascii():
        return value
    encoded = "".join([_ENCODED[byte] for byte in value.encode()])
    return _ENCODED_TWICE.sub(r"%\1", encoded) if "%25" in encoded else encoded


def plain(headers: Iterable[tuple[str, str]]) -> bytes:
    """Headers as lines with encoded values, and the empty line that ends them."""
    return ("".join([f"{name}: {encode(value)}\n" for name, value in headers]) + "\n").encode()


def event_head(name: str, now: float, sequence: int) -> Headers:
    """The headers every event begins with."""
    file, function, line = SOURCES[name]
    return [
        ("Event-Name", name),
        ("Core-UUID", CORE_UUID),
        ("FreeSWITCH-Hostname", HOSTNAME),
        ("FreeSWITCH-Switchname", HOSTNAME),
        ("FreeSWITCH-IPv4", "127.0.0.1"),
        ("FreeSWITCH-IPv6", "::1"),
        ("Event-Date-Local", _stamp(now)),
        ("Event-Date-GMT", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))),
        ("Event-Date-Timestamp", str(round(now * 1_000_000))),
        ("Event-Calling-File", file),
        ("Event-Calling-Function", function),
        ("Event-Calling-Line-Number", str(line)),
        ("Event-Sequence", str(sequence)),
    ]


class Channel:
    """One channel.

    Args:
        leg: its SIP side.

    Attributes:
        variables: by name, in the order in which they were set.
        answered, hung_up: when, microseconds since 1970; 0 = not (yet).
        cause: why it was hung up, `` before.
        media: the codec read from it: PCMU, or L16 while a recording takes its sound.
        digits: the keys pressed.
    """

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.uuid = leg.call.uuid
        self.variables: dict[str, str] = dict(leg.at_start())
        self.state = ("CS_EXECUTE", 4)
        self.call_state = "RINGING"
        self.answer_state = "ringing"
        self.answered = 0
        self.hung_up = 0
        self.cause = ""
        self.media = "PCMU"
        self.digits = ""
        self.last_application: tuple[str, str] | None = None

    def set(self, name: str, value: str | None) -> None:
        """Set a variable, or unset it (None or empty)."""
        self.variables.pop(name, None)
        if value:
            self.variables[name] = value

    def set_all(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Set variables one after the other."""
        for name, value in pairs:
            self.set(name, value)

    def connect_reply(self, now: float, sequence: int, words: str = "async full") -> bytes:
        """The reply to `connect`: one block, with the caller's profile once more under `Channel-`."""
        return plain(
            [
                *event_head("CHANNEL_DATA", now, sequence),
                *self._profile("Channel"),
                *self._describe(),
                *self._profile("Caller"),
                *self._variables(),
                ("Content-Type", "command/reply"),
                ("Reply-Text", "+OK\n"),
                ("Socket-Mode", "async" if "async" in words else "static"),
                ("Control", "full" if "full" in words else "single-channel"),
            ]
        )

    def event(self, name: str, now: float, sequence: int, more: Headers) -> Headers:
        """An event about this channel; `more` are the headers of its own, at the end."""
        head = event_head(name, now, sequence)
        if name == "CHANNEL_HANGUP_COMPLETE":
            head.append(("Hangup-Cause", self.cause))
        variables = self._variables() if name in EXTENDED else []
        return [*head, *self._describe(), *self._profile("Caller"), *variables, *more]

    def report(self, now: float, *, told_by_caller: bool) -> None:
        """Set what is set when the call is over: the times, and the statistics of its sound."""
        self.set("hangup_cause", self.cause)
        self.set("hangup_cause_q850", str(CAUSES.get(self.cause, 31)))
        self.set("digits_dialed", self.digits or "none")
        self.set_all(self._times(round(now * 1_000_000)))
        if not told_by_caller:
            self.set("sip_hangup_disposition", "send_bye")
        packets = round((now - self.leg.created / 1_000_000) * 50) if self.answered else 0
        self.set_all(_statistics(packets, len(self.digits)))

    def _describe(self) -> Headers:
        leg, uuid = self.leg, self.uuid
        state, number = self.state
        ended = [("Hangup-Cause", self.cause)] if self.cause else []
        rate = "128000" if self.media == "L16" else "64000"
        return [
            ("Channel-State", state),
            ("Channel-Call-State", self.call_state),
            ("Channel-State-Number", str(number)),
            ("Channel-Name", leg.channel_name),
            ("Unique-ID", uuid),
            ("Call-Direction", "inbound"),
            ("Presence-Call-Direction", "inbound"),
            ("Channel-HIT-Dialplan", "true"),
            ("Channel-Presence-ID", f"{leg.caller}@127.0.0.1"),
            ("Channel-Call-UUID", uuid),
            ("Answer-State", self.answer_state),
            *ended,
            ("Channel-Read-Codec-Name", self.media),
            ("Channel-Read-Codec-Rate", "8000"),
            ("Channel-Read-Codec-Bit-Rate", rate),
            ("Channel-Write-Codec-Name", "PCMU"),
            ("Channel-Write-Codec-Rate", "8000"),
            ("Channel-Write-Codec-Bit-Rate", "64000"),
        ]

    def _profile(self, prefix: str) -> Headers:
        times = [
            ("Profile-Created-Time", self.leg.created),
            ("Channel-Created-Time", self.leg.created),
            ("Channel-Answered-Time", self.answered),
            ("Channel-Progress-Time", 0),
            ("Channel-Progress-Media-Time", 0),
            ("Channel-Hangup-Time", self.hung_up),
            ("Channel-Transfer-Time", 0),
            ("Channel-Resurrect-Time", 0),
            ("Channel-Bridged-Time", 0),
            ("Channel-Last-Hold", 0),
            ("Channel-Hold-Accum", 0),
        ]
        told = [*self.leg.profile(), *((name, str(at)) for name, at in times), *self.leg.privacy()]
        return [(f"{prefix}-{name}", value) for name, value in told]

    def _variables(self) -> Headers:
        return [(f"variable_{name}", value) for name, value in self.variables.items()]

    def _times(self, end: int) -> Headers:
        start, answer = self.leg.created, self.answered
        stamps = [("start", start), ("profile_start", start), ("answer", answer), ("end", end)]
        moments = [
            *stamps[:3],
            ("bridge", 0),
            ("last_hold", 0),
            ("hold_accum", 0),
            ("resurrect", 0),
            ("progress", 0),
            ("progress_media", 0),
            ("end", end),
        ]
        pairs = [(f"{name}_stamp", _stamp(at / 1_000_000)) for name, at in stamps if at]
        for name, at in moments:
            if name == "hold_accum":
                pairs += [("hold_accum_seconds", "0"), ("hold_accum_usec", "0"), ("hold_accum_ms", "0")]
            else:
                pairs += [(f"{name}_epoch", str(at // 1_000_000)), (f"{name}_uepoch", str(at))]
        if self.last_application:
            application, argument = self.last_application
            pairs += [("last_app", application), ("last_arg", argument)]
        pairs.append(("caller_id", f'"{self.leg.name}" <{self.leg.caller}>'))
        talking = (answer, end) if answer else (0, 0)
        ringing = (start, answer) if answer else (0, 0)
        spans = [
            ("{}duration", (start, end)),
            ("bill{}sec", talking),
            ("progress{}sec", (0, 0)),
            ("answer{}sec", ringing),
            ("wait{}sec", (0, 0)),
            ("progress_media{}sec", (0, 0)),
            ("flow_bill{}sec", (start, end)),
        ]
        # Seconds are those between the two clock readings' whole seconds, the finer units those that passed.
        pairs += [(name.format(""), str(till // 1_000_000 - since // 1_000_000)) for name, (since, till) in spans]
        pairs += [(name.format("m"), str((till - since) // 1000)) for name, (since, till) in spans]
        pairs += [(name.format("u"), str(till - since)) for name, (since, till) in spans]
        return [(name, value) for name, value in pairs if value]


def _stamp(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def _statistics(packets: int, keys: int) -> Headers:
    """The statistics of a perfect line."""
    counted = str(packets)
    size = str(packets * 172)
    inward = [
        ("raw_bytes", size),
        ("media_bytes", size),
        ("packet_count", counted),
        ("media_packet_count", counted),
        ("skip_packet_count", "0"),
        ("jitter_packet_count", "0"),
        ("dtmf_packet_count", str(keys * 15)),
        ("cng_packet_count", "0"),
        ("flush_packet_count", "0"),
        ("largest_jb_size", "0"),
        ("jitter_min_variance", "0.00"),
        ("jitter_max_variance", "0.00"),
        ("jitter_loss_rate", "0.00"),
        ("jitter_burst_rate", "0.00"),
        ("mean_interval", "20.00"),
        ("flaw_total", "0"),
        ("quality_percentage", "100.00"),
        ("mos", "4.50"),
    ]
    outward = [*inward[:5], *inward[6:8]]
    reports = [("rtp_audio_rtcp_packet_count", "0"), ("rtp_audio_rtcp_octet_count", "0")]
    return [
        *((f"rtp_audio_in_{name}", value) for name, value in inward),
        *((f"rtp_audio_out_{name}", value) for name, value in outward),
        *reports,
    ]
