"""A SIP leg as FreeSWITCH 1.11 describes it: the headers and variables a call has, in the order in which it has them."""

from __future__ import annotations

import random
import uuid as uuids
from typing import TYPE_CHECKING

from esl_vm.sim.channel import HOST

if TYPE_CHECKING:
    from esl_vm.sim.channel import Incoming

_AGENT = "FreeSWITCH-mod_sofia/1.11.3-dev+git~20260821T141014Z~cc93a683ca~64bit"
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Leg:
    """The SIP side of one call: what mod_sofia writes into a channel.

    Args:
        call: the call. created: when it came, microseconds since 1970. number: the session's, counted by the node.
        service: the arguments of the socket application: `HOST:PORT async full`.
    """

    def __init__(self, call: Incoming, created: int, number: int, service: str) -> None:
        self._random = random.Random(call.uuid)
        self.call = call
        self.caller = call.number or "0000000000"
        self.name = call.name or self.caller
        self.created = created
        self.channel_name = f"sofia/internal/{self.caller}@{HOST}"
        self._number = number
        self._service = service
        self._port = 30000 + self._random.randrange(1200) * 2
        self._tag = self._token(13)
        self._to_tag = self._token(13)
        self._call_id = str(uuids.UUID(int=self._random.getrandbits(128), version=1))
        self._display = self.name
        self._from = f'"{self._display}" <sip:{self.caller}@{HOST}>;tag={self._tag}'
        self._to = f"<sip:{call.destination}@{HOST}:5080>"

    def profile(self, call: Incoming) -> list[tuple[str, str]]:
        """The caller's profile, up to the times, of the call where it is now: the same under `Channel-` and under `Caller-`."""
        return [
            ("Direction", "inbound"),
            ("Logical-Direction", "inbound"),
            ("Username", self.caller),
            ("Dialplan", "XML"),
            ("Caller-ID-Name", self.name),
            ("Caller-ID-Number", self.caller),
            ("Orig-Caller-ID-Name", self.name),
            ("Orig-Caller-ID-Number", self.caller),
            ("Network-Addr", HOST),
            ("ANI", self.caller),
            ("Destination-Number", call.destination),
            ("Unique-ID", call.uuid),
            ("Source", "mod_sofia"),
            ("Context", call.context),
            ("Channel-Name", self.channel_name),
            ("Profile-Index", "1"),
        ]

    def privacy(self) -> list[tuple[str, str]]:
        """The end of the caller's profile."""
        return [("Screen-Bit", "true"), ("Privacy-Hide-Name", "false"), ("Privacy-Hide-Number", "false")]

    def at_start(self) -> list[tuple[str, str]]:
        """The variables of a call that has come to the socket application."""
        call, host, port = self.call, HOST, self._port
        sdp = self._sdp(port, sending=False)
        return [
            ("direction", "inbound"),
            ("uuid", call.uuid),
            ("session_id", str(self._number)),
            ("sip_from_user", self.caller),
            ("sip_from_uri", f"{self.caller}@{host}"),
            ("sip_from_host", host),
            ("video_media_flow", "disabled"),
            ("text_media_flow", "disabled"),
            ("channel_name", self.channel_name),
            ("sip_call_id", self._call_id),
            ("sip_local_network_addr", host),
            ("sip_network_ip", host),
            ("sip_network_port", "5090"),
            ("sip_invite_stamp", str(self.created)),
            ("sip_received_ip", host),
            ("sip_received_port", "5090"),
            ("sip_via_protocol", "udp"),
            ("sip_from_user_stripped", self.caller.removeprefix("+")),
            ("sip_from_tag", self._tag),
            ("sofia_profile_name", "internal"),
            ("sofia_profile_url", f"sip:mod_sofia@{host}:5080"),
            ("recovery_profile_name", "internal"),
            (
                "sip_Remote-Party-ID",
                f'"{self._display}" <sip:{self.caller}@{host}>;party=calling;screen=yes;privacy=off',
            ),
            ("sip_cid_type", "rpid"),
            ("sip_full_via", self._via()),
            ("sip_from_display", self._display),
            ("sip_full_from", self._from),
            ("sip_full_to", self._to),
            (
                "sip_allow",
                "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY",
            ),
            ("sip_req_user", call.destination),
            ("sip_req_port", "5080"),
            ("sip_req_uri", f"{call.destination}@{host}:5080"),
            ("sip_req_host", host),
            ("sip_to_user", call.destination),
            ("sip_to_port", "5080"),
            ("sip_to_uri", f"{call.destination}@{host}:5080"),
            ("sip_to_host", host),
            ("sip_contact_user", "mod_sofia"),
            ("sip_contact_port", "5090"),
            ("sip_contact_uri", f"mod_sofia@{host}:5090"),
            ("sip_contact_host", host),
            ("sip_user_agent", _AGENT),
            ("sip_via_host", host),
            ("sip_via_port", "5090"),
            ("sip_via_rport", "5090"),
            ("max_forwards", "70"),
            ("presence_id", f"{self.caller}@{host}"),
            ("switch_r_sdp", sdp),
            ("ep_codec_string", "CORE_PCM_MODULE.PCMU@8000h@20i@64000b"),
            ("rtp_use_codec_string", "PCMU,PCMA"),
            ("remote_video_media_flow", "inactive"),
            ("remote_text_media_flow", "inactive"),
            ("remote_audio_media_flow", "sendrecv"),
            ("audio_media_flow", "sendrecv"),
            ("remote_media_ip", host),
            ("remote_media_port", str(port)),
            ("rtp_audio_recv_pt", "0"),
            ("rtp_use_codec_name", "PCMU"),
            ("rtp_use_codec_rate", "8000"),
            ("rtp_use_codec_ptime", "20"),
            ("rtp_use_codec_channels", "1"),
            ("rtp_last_audio_codec_string", "PCMU@8000h@20i@1c"),
            ("read_codec", "PCMU"),
            ("original_read_codec", "PCMU"),
            ("read_rate", "8000"),
            ("original_read_rate", "8000"),
            ("write_codec", "PCMU"),
            ("write_rate", "8000"),
            ("dtmf_type", "rfc2833"),
            ("endpoint_disposition", "RECEIVED"),
            ("DP_MATCH", f"ARRAY::{call.destination}|:{call.destination}"),
            ("call_uuid", call.uuid),
            *call.variables.items(),
            ("current_application_data", self._service),
            ("current_application", "socket"),
            ("socket_host", self._service.split()[0].rpartition(":")[0]),
        ]

    def at_answer(self) -> list[tuple[str, str]]:
        """What answering sets."""
        return [
            ("rtp_local_sdp_str", self._sdp(self._port + 2, sending=True)),
            ("local_media_ip", HOST),
            ("local_media_port", str(self._port + 2)),
            ("advertised_media_ip", HOST),
            ("rtp_use_timer_name", "soft"),
            ("rtp_use_pt", "0"),
            ("rtp_use_ssrc", str(self._random.getrandbits(31))),
            ("rtp_2833_send_payload", "101"),
            ("rtp_2833_recv_payload", "101"),
            ("remote_media_ip", HOST),
            ("remote_media_port", str(self._port)),
        ]

    def at_ack(self) -> list[tuple[str, str]]:
        """What the caller's ACK sets."""
        return [
            ("sip_to_tag", self._to_tag),
            ("sip_from_tag", self._tag),
            ("sip_cseq", str(123_000_000 + self._random.randrange(900_000))),
            ("sip_call_id", self._call_id),
            ("sip_full_via", self._via()),
            ("sip_from_display", self._display),
            ("sip_full_from", self._from),
            ("sip_full_to", f"{self._to};tag={self._to_tag}"),
        ]

    @staticmethod
    def at_bye() -> list[tuple[str, str]]:
        """What the caller's BYE sets before CHANNEL_HANGUP."""
        return [
            ("sip_reason", 'Q.850;cause=16;text="NORMAL_CLEARING"'),
            ("sip_term_status", "200"),
            ("proto_specific_hangup_cause", "sip:200"),
            ("sip_term_cause", "16"),
        ]

    @staticmethod
    def after_bye() -> list[tuple[str, str]]:
        """What the caller's BYE sets after CHANNEL_HANGUP."""
        return [("sip_user_agent", _AGENT), ("sip_hangup_disposition", "recv_bye")]

    def _token(self, length: int) -> str:
        return "".join(self._random.choices(_LETTERS, k=length))

    def _via(self) -> str:
        return f"SIP/2.0/UDP {HOST}:5090;rport=5090;branch=z9hG4bK{self._token(13)}"

    def _sdp(self, port: int, *, sending: bool) -> str:
        session = self.created // 1_000_000 - port
        lines = [
            "v=0",
            f"o=FreeSWITCH {session} {session + 1} IN IP4 {HOST}",
            "s=FreeSWITCH",
            f"c=IN IP4 {HOST}",
            "t=0 0",
            f"m=audio {port} RTP/AVP 0 101 13",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=rtpmap:13 CN/8000",
            "a=ptime:20",
        ]
        if sending:
            lines.append("a=sendrecv")
        return "".join(line + "\r\n" for line in lines)
