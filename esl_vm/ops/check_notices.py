"""Doctor's look at the ways of notices: whether calls about messages can be placed, and the gateway of texts is there."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from esl_vm.model.findings import Finding, Level
from esl_vm.model.notify_rules import Way, parse_notify_rules
from esl_vm.model.open_internet import PrivateAddressError, open_address
from esl_vm.ops.checks import THIS_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings

_AREA = "notices"
_CONNECT_S = 3.0
_GATEWAY = re.compile(r"sofia/gateway/([^/|,\]]+)/")


def check_sms(settings: Settings) -> Iterator[Finding]:
    """Whether the gateway of text messages answers; nothing where none is set."""
    if not settings.sms.url:
        return
    target = urlsplit(settings.sms.url)
    host, port = target.hostname or "", target.port or (443 if target.scheme == "https" else 80)
    if target.scheme == "http" and host not in THIS_HOST:
        said = f"texts, and the secret of the gateway, go through the network in clear to {host}"
        yield Finding(_AREA, Level.WARNING, said, "set `sms.url` to an https:// address")
    try:
        address = open_address(host, port, private=settings.sms.private)
        socket.create_connection((address, port), _CONNECT_S).close()
    except PrivateAddressError as private:
        yield Finding(
            _AREA, Level.ERROR, f"no text is sent: {private}", "correct `sms.url`, or set `sms.private = true`"
        )
    except OSError as wrong:
        said = f"the gateway of text messages at {host}:{port} does not answer: {wrong.strerror or wrong}"
        yield Finding(_AREA, Level.WARNING, said, "have it answer, or correct `sms.url`")
    else:
        yield Finding(_AREA, Level.OK, f"texts go to {host}:{port}, which answers")


def check_notice_calls(settings: Settings, switch: EventSocketSwitch | None) -> Iterator[Finding]:
    """Nothing where none are to be placed; raises SwitchDownError."""
    dial = settings.notice_calls.dial
    if not dial:
        rules = parse_notify_rules(settings.mailbox.notify_rules)
        if any(notice.way is Way.CALL for rule in rules for notice in rule.notices):
            said = "mailboxes are told by calls (mailbox.notify_rules), and none can be placed: notice_calls.dial is not set"
            yield Finding(
                _AREA,
                Level.WARNING,
                said,
                'set `notice_calls.dial = "sofia/gateway/trunk/{number}"`, or take the calls out of the rules',
            )
        return
    if switch is None:
        said = "calls about messages (notice_calls.dial) are not placed from this node: no FreeSWITCH is set"
        yield Finding(_AREA, Level.WARNING, said, 'set `notify.freeswitch = "127.0.0.1:8021"`, through which they go')
        return
    for gateway in _GATEWAY.findall(dial):
        if "Invalid Gateway" in switch.api(f"sofia status gateway {gateway}"):
            said = f"calls about messages go through gateway {gateway}, which this FreeSWITCH does not have"
            yield Finding(_AREA, Level.ERROR, said, "correct `notice_calls.dial`, or configure the gateway")
            return
    yield Finding(_AREA, Level.OK, f"calls about messages are placed as {dial}")
