"""A simulated node whose calls are described byte for byte as FreeSWITCH 1.11 does it, whether a service looks at it or not."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

from support.sofia_leg import Leg
from support.whole_node import WholeNode

from esl_vm.sim.channel import CORE_UUID, HOSTNAME, Channel, plain
from esl_vm.sim.line import Happening
from esl_vm.sim.orders import TICK_S

if TYPE_CHECKING:
    from esl_vm.sim.call import SimCall
    from esl_vm.sim.channel import Headers, Incoming

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


CAUSES = {"NORMAL_CLEARING": 16, "USER_BUSY": 17, "NO_ROUTE_DESTINATION": 3, "DESTINATION_OUT_OF_ORDER": 27}
"""Q.850 numbers of hang-up causes; any other counts as 31, normal."""


class DescribedChannel(Channel):
    """A channel with all that FreeSWITCH tells of it.

    Attributes:
        leg: its SIP side. digits: the keys pressed. hung_up: when, microseconds since 1970; 0 = not yet.
        last_application: the last one begun, and its argument.
    """

    _sessions = count(1)

    def __init__(self, call: Incoming, created: int, socket: str) -> None:
        self.leg = Leg(call, created, next(self._sessions), socket)
        self.digits = ""
        self.hung_up = 0
        self.last_application: tuple[str, str] | None = None
        self._up_state = "RINGING"
        super().__init__(call, created, socket)

    def connect_reply(self, now: float, sequence: int, words: str = "async full") -> bytes:
        """The reply to `connect`: with the caller's profile once more under `Channel-`."""
        head = plain(self._head("CHANNEL_DATA", now, sequence))[:-1]
        profile = plain(self._profile("Channel"))[:-1]
        return super().connect_reply(now, sequence, words).replace(head, head + profile, 1)

    def before(self, name: str, now: float, more: Headers, *, by_caller: bool) -> None:
        """Set what FreeSWITCH sets before it tells an event."""
        about = dict(more)
        match name:
            case "CHANNEL_ANSWER":
                self.set_all(self.leg.at_answer())
            case "CHANNEL_EXECUTE":
                self.last_application = (about["Application"], about.get("Application-Data", ""))
            case "DTMF":
                self.digits += about["DTMF-Digit"]
            case "CHANNEL_HANGUP" if by_caller and self.answered:
                self.set_all(self.leg.at_bye())
            case "CHANNEL_STATE" if self.state[0] == "CS_REPORTING":
                self.hung_up = round(now * 1_000_000)
            case "CHANNEL_HANGUP_COMPLETE":
                self._report(now, told_by_caller=by_caller)

    def after(self, name: str, *, by_caller: bool) -> None:
        """Set what FreeSWITCH sets after it told an event."""
        match name:
            case "CHANNEL_ANSWER":
                self._up_state = "ACTIVE"
                self.set("endpoint_disposition", "ANSWER")
            case "CHANNEL_PROGRESS_MEDIA":
                self._up_state = "EARLY"
            case "CHANNEL_HANGUP" if by_caller and self.answered:
                self.set_all(self.leg.after_bye())

    @property
    def call_state(self) -> str:
        """As events have it."""
        return {"CS_REPORTING": "HANGUP", "CS_ROUTING": "RINGING"}.get(self.state[0], self._up_state)

    def _at_start(self) -> Headers:
        return self.leg.at_start()

    def _head(self, name: str, now: float, sequence: int) -> Headers:
        file, function, line = SOURCES[name]
        head = [
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
        return [*head, ("Hangup-Cause", self.cause)] if name == "CHANNEL_HANGUP_COMPLETE" else head

    def _described(self) -> Headers:
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
        told = [*self.leg.profile(self.call), *((name, str(at)) for name, at in times), *self.leg.privacy()]
        return [(f"{prefix}-{name}", value) for name, value in told]

    def _report(self, now: float, *, told_by_caller: bool) -> None:
        self.set("hangup_cause", self.cause)
        self.set("hangup_cause_q850", str(CAUSES.get(self.cause, 31)))
        self.set("digits_dialed", self.digits or "none")
        self.set_all(self._times(round(now * 1_000_000)))
        if not told_by_caller:
            self.set("sip_hangup_disposition", "send_bye")
        packets = round((now - self.leg.created / 1_000_000) * 50) if self.answered else 0
        self.set_all(_statistics(packets, len(self.digits)))

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


class DescribedNode(WholeNode):
    """A node with such channels."""

    channel_of = DescribedChannel

    def publish(self, call: SimCall, name: str, more: Headers) -> None:
        """Tell an event about a call."""
        channel = call.channel
        assert isinstance(channel, DescribedChannel)
        by_caller = call.line.ended is Happening.HANG_UP
        channel.before(name, self.schedule.now(), more, by_caller=by_caller)
        super().publish(call, name, more)
        channel.after(name, by_caller=by_caller)
        if name == "CHANNEL_ANSWER":
            acknowledged = channel.leg.at_ack
            self.schedule.call_later(TICK_S, lambda: None if call.line.ended else channel.set_all(acknowledged()))
