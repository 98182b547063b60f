"""The composition root: the one place that builds the service from its parts, and closes what it opened.

A part is imported by the function that builds it: the supervisor of `esl-vm serve` uses this module too, and must not
load gevent or Redis' client before it forks; and a command loads only what it needs.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from esl_vm.model.call import Action, Answer
from esl_vm.model.errors import SettingsError
from esl_vm.model.settings_check import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gevent import socket
    from gevent.event import AsyncResult

    from esl_vm.audio.cache import Cache
    from esl_vm.dialogue.world import World
    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.esl.phone import EslPhone
    from esl_vm.esl.server import CallEnd, CallServer
    from esl_vm.esl.sounds import PromptPack as SpokenPrompts
    from esl_vm.esl.worker_load import WorkerLoad
    from esl_vm.model.call import Call
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.settings import Settings
    from esl_vm.notify.letters import Letters
    from esl_vm.notify.mail import Mailer, MailSettings
    from esl_vm.notify.pin_mail import PinWriter
    from esl_vm.notify.service import NotifyService
    from esl_vm.notify.smtp_connection import SmtpServer
    from esl_vm.ops.metrics import Metrics
    from esl_vm.ops.snapshot import Looker
    from esl_vm.ops.stories import Story
    from esl_vm.ports import AudioStore
    from esl_vm.speech.packs import PromptPack
    from esl_vm.spool.spool import Spool
    from esl_vm.spool.sweeper import Sweeper
    from esl_vm.store.clock import SharedClock
    from esl_vm.store.mailboxes import RedisMailboxes
    from esl_vm.store.outbox import RedisOutbox
    from esl_vm.store.registry import RedisRegistry
    from esl_vm.store.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")
EMBEDDED = "embedded:"
REFUSED = "refused"
# The longest pause, in seconds, between attempts to reach this node's FreeSWITCH: its lamps are wrong until then.
SWITCH_RETRY_S = 2.0
#: Host names a notifier can look up at once.
MOST_LOOKUPS = 96


@dataclass(frozen=True, slots=True)
class Node:
    """The stores of a node, opened: what commands and services work on.

    Args:
        settings: what it was built from. redis_url: where Redis is, the embedded one's address if it is that.
        store: mailboxes, PINs, registry, directory, events. outbox: mail and webhook jobs.
        audio: sounds. spool, sweeper: recordings on their way.
        cache: this node's copies of sounds.
    """

    settings: Settings
    redis_url: str
    store: Store
    outbox: RedisOutbox
    audio: AudioStore
    spool: Spool
    sweeper: Sweeper
    clock: SharedClock
    cache: Cache

    @property
    def mailboxes(self) -> RedisMailboxes:
        """Messages."""
        return self.store.mailboxes

    @property
    def registry(self) -> RedisRegistry:
        """Mailboxes as an administrator keeps them."""
        return self.store.registry

    def add_mailbox(self, box: MailboxId, fields: Mapping[str, str], pin: str) -> None:
        """Make a mailbox with its first PIN (`` = none); raises MailboxExistsError, InvalidValueError.

        Both in one step: without its PIN it would open to anybody.
        """
        self.store.registry.add(box, fields, pin_hash=self.store.pins.hashed(pin), pin_initial=bool(pin))

    def set_pin(self, box: MailboxId, pin: str, *, initial: bool = True) -> None:
        """Set a PIN (`` = none is asked), initial: that its owner is to change; raises NoSuchMailboxError."""
        self.store.pins.change(box, pin, initial=initial and bool(pin))


@contextmanager
def open_redis(settings: Settings) -> Iterator[str]:
    """The URL of the Redis to use; the embedded one runs for as long as this is open (or as others use it).

    Raises:
        StoreDownError, SettingsError: the embedded one can't be started.
    """
    with keep_redis(settings, must_answer=True) as (url, _):
        yield url


@contextmanager
def keep_redis(settings: Settings, *, must_answer: bool = False) -> Iterator[tuple[str, Callable[[], None]]]:
    """As `open_redis`, for who runs long: with it, what to do now and then so that the embedded one goes on.

    An embedded one that can't be started is tried again, unless it must answer: calls are taken meanwhile.

    Raises:
        SettingsError: there is no program for it. StoreDownError: it must answer, and does not.
    """
    if settings.redis.url != EMBEDDED:
        yield settings.redis.url, lambda: None
        return
    from esl_vm.store.embedded import Embedded

    with Embedded(Path(settings.data_dir), port=settings.redis.port, must_answer=must_answer) as embedded:
        told: list[str] = []

        def tend() -> None:
            if embedded.revive() and not embedded.trouble:
                log.error("the embedded Redis was killed; it is started again")
            for sentence in embedded.mended:
                if sentence not in told:
                    log.error("the embedded Redis was mended: %s", sentence)
                    told.append(sentence)

        tend()
        if embedded.trouble:
            log.error("calls are taken, and messages wait in the spool until Redis is there: %s", embedded.trouble)
        yield embedded.url, tend


@contextmanager
def open_node(settings: Settings, redis_url: str = "") -> Iterator[Node]:
    """Open the stores; nothing is asked of them yet.

    Args:
        settings: complete ones, of `load_settings`.
        redis_url: where Redis is if it is known already; `` = as the settings say, embedded started or joined.

    Raises:
        SettingsError: something can't be built so. StoreDownError: the embedded Redis can't be started.
    """
    if not redis_url:
        with open_redis(settings) as url, open_node(settings, url) as node:
            yield node
        return
    from esl_vm.spool.folder import SpoolFolder
    from esl_vm.spool.spool import Spool
    from esl_vm.spool.sweeper import Sweeper
    from esl_vm.store.clock import SharedClock
    from esl_vm.store.connect import connect
    from esl_vm.store.outbox import RedisOutbox
    from esl_vm.store.store import Store

    clock = SharedClock()
    store = Store(
        connect(redis_url),
        partitions=settings.redis.partitions,
        defaults=settings.mailbox,
        clock=clock,
        pin_rules=settings.pins,
        events_kept=settings.redis.events_kept,
        expected=SpoolFolder(Path(settings.spool.folder), 0).installation,
    )
    cache = _cache(settings)
    audio = _open_audio(settings, store, cache)
    spool = Spool(
        Path(settings.spool.folder),
        store.mailboxes,
        audio,
        clock,
        node=settings.service.node,
        min_free=settings.spool.min_free_mb << 20,
        rate=settings.audio.rate,
        keep_s=settings.spool.keep_minutes * 60,
        run=in_thread,
    )
    outbox = RedisOutbox(store.link, clock)
    try:
        yield Node(settings, redis_url, store, outbox, audio, spool, Sweeper(spool), clock, cache)
    finally:
        store.close()


def in_thread(work: Callable[[], T], /) -> T:
    """Run what waits for a disk or takes a while: in gevent's threads where calls are served, else here and now.

    Returns when the work is done, also where the greenlet that waits is killed meanwhile: it is then still at work on a
    file that its call is about to settle. What killed it is raised after that.
    """
    import gevent
    from gevent import monkey

    if not monkey.is_module_patched("socket"):
        return work()

    def kept() -> tuple[T | None, BaseException | None]:
        try:
            return work(), None
        except BaseException as error:  # raised where it is waited for; the pool would write it to standard error too
            return None, error

    done: AsyncResult[object] = gevent.get_hub().threadpool.spawn(kept)
    killed: BaseException | None = None
    failed: BaseException | None
    result: T
    while not done.ready():
        try:
            done.wait()
        except BaseException as error:
            killed = error
    result, failed = done.get()
    if killed is not None:
        raise killed
    if failed is not None:
        raise failed
    return result


def _cache(settings: Settings) -> Cache:
    from esl_vm.audio.cache import Cache

    return Cache(
        Path(settings.data_dir) / "cache",
        limit_bytes=settings.audio.cache_mb << 20,
        hold_s=settings.audio.cache_minutes * 60,
        run=in_thread,
    )


def _open_audio(settings: Settings, store: Store, cache: Cache) -> AudioStore:
    wanted = settings.audio
    match wanted.store:
        case "folder":
            from esl_vm.audio.folder_audio import FolderAudio

            return FolderAudio(Path(wanted.folder), cache, run=in_thread)
        case "s3":
            from esl_vm.audio import s3_audio

            address = s3_audio.S3Address(
                wanted.bucket, wanted.prefix, wanted.endpoint, wanted.region, wanted.access_key, wanted.secret_key
            )
            client = s3_audio.connect(address)
            return s3_audio.S3Audio(client, wanted.bucket, cache, prefix=wanted.prefix, run=in_thread)
        case _:
            from esl_vm.audio.redis_audio import RedisAudio
            from esl_vm.store import keys

            return RedisAudio(store.link, keys.audio, cache, run=in_thread)


def open_prompts(settings: Settings) -> PromptPack:
    """The prompt pack; raises InvalidValueError for a folder FreeSWITCH could not be told of."""
    from esl_vm.speech.packs import open_pack

    return open_pack(settings.speech.pack, settings.speech.prompts)


def open_spoken_prompts(settings: Settings) -> SpokenPrompts:
    """The prompts as callers hear them: prepared in the data folder, unless the settings leave them as the pack has them.

    Raises:
        InvalidValueError: a folder FreeSWITCH could not be told of.
    """
    from esl_vm.speech.prepared import PreparedPack
    from esl_vm.speech.recordings import FilePack

    pack = open_prompts(settings)
    if not isinstance(pack, FilePack) or not settings.speech.prepare:
        return pack
    return PreparedPack(pack, prompt_folder(settings))


def prompt_folder(settings: Settings) -> Path:
    """Where prepared prompts are kept."""
    return Path(settings.data_dir) / "prompts"


def build_world(node: Node) -> World:
    """What conversations are given."""
    from esl_vm.dialogue.world import World

    settings = node.settings
    return World(
        mailboxes=node.store.mailboxes,
        pins=node.store.pins,
        directory=node.store.directory,
        lists=node.store.lists,
        audio=node.audio,
        spool=node.spool,
        clock=node.clock,
        defaults=settings.mailbox,
        waits=settings.waits,
        pin_rules=settings.pins,
        language=settings.speech.language[:2].lower(),
        timezone=settings.service.timezone,
        domain=settings.service.domain.lower(),
        call_context=settings.service.call_context,
        answer=Answer(settings.service.answer),
    )


def build_server(
    node: Node,
    listener: socket.socket | tuple[str, int],
    metrics: Metrics | None = None,
    load: WorkerLoad | None = None,
) -> CallServer:
    """The server that takes calls; not started yet. Each call's story is logged when it ends.

    Args:
        node: the stores.
        listener: a listening gevent socket, or the address to listen on.
        metrics: where calls are counted.
        load: this worker's load, seen by the others; None: it is the only one.
    """
    from esl_vm.dialogue.front_door import answer_call
    from esl_vm.esl.elsewhere import Elsewhere
    from esl_vm.esl.server import MOST_WAITING, CallServer, ServerSettings
    from esl_vm.model.actor import acting
    from esl_vm.model.actor import phone as phone_actor
    from esl_vm.model.patience import waiting
    from esl_vm.ops import stories
    from esl_vm.ops.open_files import allow_open_files
    from esl_vm.speech.prepared import PreparedPack

    world = build_world(node)
    running: dict[int, Story] = {}

    def converse(phone: EslPhone) -> None:
        call = phone.call
        story = running[id(call)] = _story(node, call)
        if metrics:
            metrics.call_began()
        with acting(phone_actor(call.caller.number, call.uuid)), waiting():
            talk = answer_call(stories.MeasuredPhone(phone, story), world)
        story.mailbox = str(talk.box or story.mailbox)
        # What became of a recording is known after its caller hung up: the conversation knows, the channel no more.
        story.status, story.cause = str(talk.status), str(talk.cause)
        story.message_id = talk.message_id

    def ended(end: CallEnd) -> None:
        story = running.pop(id(end.call), None)
        if metrics and story:
            metrics.call_ended(story, seconds=end.seconds, keys=end.keys, end=end.end)
        story = story or _story(node, end.call)
        if metrics and end.end == REFUSED:
            metrics.call_counted(story.action, story.status, end.end)
        told = story.told(seconds=end.seconds, applications=end.applications, keys=end.keys, end=end.end)
        stories.tell(told)

    max_calls = node.settings.service.max_calls
    # A call is a socket, at times a connection to Redis or a recording too; and there are pending connections, and the rest.
    files = allow_open_files(2 * (max_calls + MOST_WAITING))
    limits = ServerSettings(
        max_calls=max_calls,
        max_waiting=min(MOST_WAITING, files // 4),
        allow=tuple(ip_network(network) for network in node.settings.service.allow),
    )
    pack: SpokenPrompts = open_spoken_prompts(node.settings)
    elsewhere = None
    if isinstance(pack, PreparedPack):
        proof = pack.proof()
        elsewhere = Elsewhere(pack.pack, proof) if proof else None
        pack = pack if proof else pack.pack
    return CallServer(listener, converse, pack, limits, ended, load, elsewhere)


def _story(node: Node, call: Call) -> Story:
    """A call's story as it begins: what the call itself tells."""
    from esl_vm.dialogue.front_door import action_of
    from esl_vm.ops.stories import Story

    action = action_of(call)
    named = call.variable("vm_mailbox")
    expected = {Action.CHECK: call.caller.number, Action.LEAVE: call.destination}.get(action, "") if action else ""
    return Story(call, str(action or "unknown"), named or expected, node.settings.service.node)


def count(node: Node, metrics: Metrics) -> None:
    """Have the stores of a node tell what they do."""
    node.store.link.observe = metrics.redis_called
    node.store.pins.observe = metrics.pin_checked
    node.store.mailboxes.observe = metrics.call_placed
    node.cache.observe = metrics.sound_asked


def build_looker(
    node: Node,
    metrics: Metrics,
    notifier: NotifyService | None = None,
    switch: EventSocketSwitch | None = None,
    differing: Sequence[str] = (),
) -> Looker:
    """What tells how this node is.

    Args:
        node: the stores.
        metrics: of all its processes.
        notifier: where this process has one.
        switch: likewise.
        differing: in what this node does not agree with the others; looked at anew each time.
    """
    from esl_vm.ops.snapshot import Looker, Sources

    return Looker(
        Sources(
            node=node.settings.service.node,
            now=node.clock.now,
            spool=node.spool,
            cache=node.cache.folder,
            cluster=node.store.cluster.state,
            lamp_wait_s=lambda: notifier.lamp_wait_s if notifier else 0.0,
            freeswitch_up=lambda: switch.connected if switch else None,
            workers=lambda: int(metrics.value("esl_vm_workers")),
            calls=lambda: int(metrics.value("esl_vm_calls_running")),
            differing=lambda: differing,
            clock_skew_s=lambda: node.clock.skew,
        )
    )


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

    from esl_vm.notify.node import Domains
    from esl_vm.notify.service import NotifyService
    from esl_vm.notify.settings import NotifySettings, Sources
    from esl_vm.notify.webhook import WebhookSettings

    wanted = node.settings.notify
    hosts = {
        domain.lower(): tuple(names.split(",")) for domain, _, names in (pair.partition("=") for pair in wanted.hosts)
    }
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
    )
    webhook = node.settings.webhook
    secrets = {domain.lower(): key for domain, _, key in (pair.partition("=") for pair in webhook.secrets)}
    # Names are looked up in threads: as many hosts as can be called at once may have a name server that does not answer.
    pool = get_hub().threadpool
    pool.maxsize = max(pool.maxsize, MOST_LOOKUPS)
    return NotifyService(
        sources,
        NotifySettings(
            domains=Domains(hosts=hosts, default=node.settings.service.domain.lower(), profiles=wanted.profiles),
            coalesce_s=wanted.coalesce_ms / 1000,
            reconcile_s=wanted.reconcile_s,
            patience_s=node.settings.mail.retry_hours * 3600,
            webhook_patience_s=webhook.retry_hours * 3600,
        ),
        switch=switch,
        maintenance=wanted.maintenance_events,
        mailer=_build_mailer(node),
        webhook=WebhookSettings(webhook.url, webhook.secret, secrets, timeout_s=webhook.timeout_s),
        observe=metrics.lamp_fired if metrics else None,
    )


def smtp_server(settings: Settings, longest_s: float = 0.0) -> SmtpServer:
    """The mail server of the settings; longest_s: the longest it may take for an answer, 0 = as set."""
    from esl_vm.notify.smtp_connection import Security, SmtpServer

    wanted = settings.mail
    answer_s = min(float(wanted.timeout_s), longest_s or float(wanted.timeout_s))
    return SmtpServer(
        wanted.host, wanted.port, Security(wanted.security), wanted.user, wanted.password, timeout_s=answer_s
    )


def _build_mailer(node: Node) -> Mailer | None:
    if not node.settings.mail.host:
        return None
    from esl_vm.notify.mail import Mailer

    letters, looks = _letters(node.settings)
    return Mailer(smtp_server(node.settings), letters, looks, node.store.mailboxes, node.audio)


def build_pin_writer(settings: Settings) -> PinWriter:
    """What mails PINs to owners; raises SettingsError where the settings name no mail server."""
    if not settings.mail.host:
        raise SettingsError(["mail.host: needed to mail PINs"])
    from esl_vm.notify.pin_mail import PinWriter

    return PinWriter(smtp_server(settings), *_letters(settings))


def _letters(settings: Settings) -> tuple[Letters, MailSettings]:
    """The templates, each filled in once, and how mail looks; raises SettingsError for a template that can't be."""
    from esl_vm.notify.letters import Letters
    from esl_vm.notify.mail import MailSettings
    from esl_vm.notify.sound import SoundFormat

    wanted = settings.mail
    letters = Letters(Path(wanted.templates) if wanted.templates else None)
    letters.check()
    return letters, MailSettings(
        sender=wanted.sender,
        sender_name=wanted.sender_name,
        reply_to=wanted.reply_to,
        sound=SoundFormat(wanted.audio_format),
        language=settings.speech.language[:2].lower(),
        timezone=settings.service.timezone,
    )
