"""Everything that doctor looks at on a node whose stores are open."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from esl_vm.model.errors import StoreDownError, SwitchDownError
from esl_vm.model.findings import Finding, Level
from esl_vm.ops.check_aliases import check_aliases
from esl_vm.ops.check_calendars import check_calendars
from esl_vm.ops.check_cluster import check_cluster
from esl_vm.ops.check_codecs import check_codecs
from esl_vm.ops.check_dialplan import check_dialplan
from esl_vm.ops.check_keys import check_keys
from esl_vm.ops.check_notices import check_notice_calls, check_sms
from esl_vm.ops.check_transcription import check_transcribers, check_transcription
from esl_vm.ops.check_web import check_web
from esl_vm.ops.checks import check_audio, check_freeswitch, check_mail, check_prompts, check_service, check_spool
from esl_vm.ops.sealing import check_sealing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node


def look_at_stores(node: Node) -> Iterator[Finding]:
    """Redis, the spool, the other nodes, sounds and mail."""
    from esl_vm.ops.check_redis import check_redis, remedy_for  # Redis' client takes a while to load

    found = list(check_redis(node))
    yield from found
    yield from check_spool(node)
    yield from check_calendars(node)
    if any(finding.level is Level.OK for finding in found):
        for check in (check_cluster, check_aliases, check_sealing, check_audio, check_mail, check_transcribers):
            try:
                yield from check(node)
            except StoreDownError as away:  # one of a Cluster's masters is: what else was found is worth to know
                yield Finding("redis", Level.ERROR, str(away), remedy_for(node, str(away)))


def look_at_switch(node: Node, switch: EventSocketSwitch | None) -> Iterator[Finding]:
    """This node's FreeSWITCH; None where the settings name none."""
    yield from check_freeswitch(node, switch)
    with suppress(SwitchDownError):  # said already
        yield from check_notice_calls(node.settings, switch)
        if switch is not None:
            yield from check_dialplan(node.settings, switch)
            yield from check_keys(switch)
            yield from check_codecs(switch)


def look_around(settings: Settings) -> Iterator[Finding]:
    """What needs no store."""
    yield from check_prompts(settings)
    yield from check_service(settings)
    yield from check_web(settings)
    yield from check_transcription(settings)
    yield from check_sms(settings)
