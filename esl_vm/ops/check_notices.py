"""Doctor's look at the ways of notices that go by telephone: whether calls about messages can be placed from this node."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from esl_vm.model.findings import Finding, Level
from esl_vm.model.notify_rules import Way, parse_notify_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings

_AREA = "notices"
_GATEWAY = re.compile(r"sofia/gateway/([^/|,\]]+)/")


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
