"""The notifier built from the settings: lamps, mail, webhooks, and this node's FreeSWITCH."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import SettingsError
from esl_vm.model.settings_check import parse_address
from esl_vm.service.wiring import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.mailbox import Mailbox, MailboxId
    from esl_vm.model.settings import Settings
    from esl_vm.notify.mail import Mailer
    from esl_vm.notify.mail_templates import MailTemplates
    from esl_vm.notify.pin_mail import PinWriter
    from esl_vm.notify.push import PushSender
    from esl_vm.notify.service import NotifyService
    from esl_vm.notify.sms import SmsSender
    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.node import Node

# The longest pause, in seconds, between attempts to reach this node's FreeSWITCH: its lamps are wrong until then.
SWITCH_RETRY_S = 2.0
#: Host names a notifier can look up at once.
MOST_LOOKUPS = 96
#: For how long a link that signs in opens after it was asked for, seconds.
SIGN_IN_LINK_S = 600


def build_switch(settings: Settings) -> EventSocketSwitch | None:
    """This node's FreeSWITCH, not connected yet; None where the settings name none."""
    if not settings.notify.freeswitch:
        return None
    from esl_vm.esl.inbound import EventSocketSwitch, SwitchSettings

    host, port = parse_address(settings.notify.freeswitch)
    wanted = SwitchSettings(host=host, port=port, password=settings.notify.password, retry_most_s=SWITCH_RETRY_S)
    return EventSocketSwitch(wanted)


def build_notifier(node: Node, switch: EventSocketSwitch | None, metrics: Metrics | None = None) -> NotifyService:
    """What tells others of changes; not started yet. Raises SettingsError for templates that can't be filled in."""
    from gevent import get_hub

    from esl_vm.notify.service import NotifyService
    from esl_vm.notify.sources import Sources

    me = f"{node.settings.service.node}:{os.getpid()}"  # a node may have several: `serve` and `notify`
    sources = Sources(
        feed=node.store.events,
        plans=node.store.events.shared("plans", me),
        history=node.store.events.shared("history", me),
        outbox=node.outbox,
        mailboxes=node.store.mailboxes,
        registry=node.store.registry,
        audio=node.audio,
        clock=node.clock,
        nodes=node.store.cluster.nodes,
        transcribers=node.store.cluster.transcribers,
        covers=node.calendars.covers,
    )
    # Names are looked up in threads: as many hosts as can be called at once may have a name server that does not answer.
    pool = get_hub().threadpool
    pool.maxsize = max(pool.maxsize, MOST_LOOKUPS)
    return NotifyService(
        sources,
        node.settings,
        switch=switch,
        mailer=_build_mailer(node),
        texter=_build_texter(node),
        pusher=_build_pusher(node),
        observe=metrics.lamp_fired if metrics else None,
    )


def _build_mailer(node: Node) -> Mailer | None:
    if not node.settings.mail.host:
        return None
    from esl_vm.notify.mail import Mailer
    from esl_vm.notify.smtp_connection import SmtpServer

    settings = node.settings
    templates = _mail_templates(settings)
    return Mailer(
        SmtpServer.of(settings.mail),
        templates,
        settings.mail,
        node.store.mailboxes,
        node.audio,
        *_language_and_zone(settings),
        run=in_thread,
        link=link_maker(node),
        sign_in=sign_in_link_maker(node),
    )


def _build_texter(node: Node) -> SmsSender | None:
    if not node.settings.sms.url:
        return None
    from esl_vm.notify.sms import SmsSender

    settings = node.settings
    return SmsSender(
        settings.sms, _mail_templates(settings), node.store.mailboxes, *_language_and_zone(settings), outbox=node.outbox
    )


def _build_pusher(node: Node) -> PushSender | None:
    """Raises SettingsError where it is wanted and this host has not what it takes."""
    settings = node.settings
    if not settings.push.contact:
        return None
    from esl_vm.notify.push import PushSender
    from esl_vm.sealing.web_push import is_available

    if not is_available():
        raise SettingsError(["push.contact: needs cryptography; install it with pip install 'esl-vm[push]'"])
    language, _ = _language_and_zone(settings)
    return PushSender(settings.push, node.store.push, node.store.mailboxes, node.clock, language)


def link_maker(node: Node) -> Callable[[MailboxId, str, float], str]:
    """Where a message is heard in a browser, by a link in a mail that was written at that time; `` where nobody wants links."""
    web, links = node.settings.web, node.store.links
    lives_s = web.link_days * 86400

    def link(box: MailboxId, message_id: str, written: float) -> str:
        if not (web.url and lives_s):
            return ""
        return f"{web.url.rstrip('/')}/listen/{links.make(box, message_id, written + lives_s, lives_s)}"

    return link


def sign_in_link_maker(node: Node) -> Callable[[Mailbox, float], str]:
    """Where an owner who asked for it at that time signs in once; `` once that is too long ago."""

    def link(mailbox: Mailbox, asked: float) -> str:
        left_s = int(asked + SIGN_IN_LINK_S - node.clock.now())
        if left_s <= 0:
            return ""
        secret = node.store.access.owner_link(mailbox.id, mailbox.pin_mark, left_s)
        return f"{node.settings.web.url.rstrip('/')}/sign-in/link/{secret}"

    return link


def build_pin_writer(settings: Settings) -> PinWriter:
    """What mails PINs to owners; raises SettingsError where the settings name no mail server."""
    if not settings.mail.host:
        raise SettingsError(["mail.host: needed to mail PINs"])
    from esl_vm.notify.pin_mail import PinWriter
    from esl_vm.notify.smtp_connection import SmtpServer

    return PinWriter(
        SmtpServer.of(settings.mail), _mail_templates(settings), settings.mail, *_language_and_zone(settings)
    )


def _language_and_zone(settings: Settings) -> tuple[str, str]:
    """Of mailboxes that name none."""
    return settings.speech.language[:2].lower(), settings.service.timezone


def _mail_templates(settings: Settings) -> MailTemplates:
    """The templates, each filled in once; raises SettingsError for one that can't be."""
    from esl_vm.notify.mail_templates import MailTemplates

    templates = MailTemplates(Path(settings.mail.templates) if settings.mail.templates else None)
    templates.check()
    return templates
