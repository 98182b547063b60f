"""The composition root: the one place that opens the stores of a node from the settings, and closes what it opened.

A part is imported by the function that builds it: the supervisor of `esl-vm serve` uses this module too, and must not
load gevent or Redis' client before it forks; and a command loads only what it needs.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from esl_vm.ops.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gevent.event import AsyncResult

    from esl_vm.audio.cache import Cache
    from esl_vm.esl.sounds import SpokenPrompts
    from esl_vm.model.sealing import Seal
    from esl_vm.model.settings import Settings
    from esl_vm.ports import AudioStore
    from esl_vm.speech.recordings import PromptPack
    from esl_vm.store.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")
EMBEDDED = "embedded:"


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
    from esl_vm.model.errors import StoreDownError
    from esl_vm.model.rate_limited_log import RateLimitedLog
    from esl_vm.store.embedded import Embedded

    with Embedded(Path(settings.data_dir), port=settings.redis.port, must_answer=must_answer) as embedded:
        reported: list[str] = []
        limited = RateLimitedLog(log, logging.ERROR, most=1)

        def tend() -> None:
            try:
                if embedded.revive():
                    if embedded.disk:
                        limited.log("the embedded Redis ended: its disk %s; it is started again", embedded.disk)
                    elif not embedded.trouble:
                        limited.log("the embedded Redis was killed; it is started again")
            except StoreDownError as error:
                limited.log("messages wait in the spool: %s", error)
            for sentence in embedded.mended:
                if sentence not in reported:
                    log.error("the embedded Redis was mended: %s", sentence)
                    reported.append(sentence)

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
    from esl_vm.calendars.folder import CalendarFolder
    from esl_vm.recordings.folder import SpoolFolder
    from esl_vm.recordings.spool import Spool
    from esl_vm.recordings.sweeper import Sweeper
    from esl_vm.sealing.keys import open_seal
    from esl_vm.store.clock import SharedClock
    from esl_vm.store.connect import connect
    from esl_vm.store.outbox import RedisOutbox
    from esl_vm.store.store import Store

    clock = SharedClock()
    seal = open_seal(settings.privacy)
    if seal.trouble:
        log.error("nothing that is encrypted can be heard, and messages wait in the spool: %s", seal.trouble)
    store = Store(
        connect(redis_url),
        partitions=settings.redis.partitions,
        defaults=settings.mailbox,
        clock=clock,
        pin_rules=settings.pins,
        events_kept=settings.redis.events_kept,
        expected=SpoolFolder(Path(settings.spool.folder), 0).installation,
        seal=seal,
    )
    cache = _cache(settings)
    audio = _open_audio(settings, store, cache, seal)
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
        seal=seal,
    )
    outbox = RedisOutbox(store.link, clock)
    calendars = CalendarFolder(Path(settings.data_dir) / "calendars")
    try:
        yield Node(settings, redis_url, store, outbox, audio, spool, Sweeper(spool), clock, cache, calendars, seal)
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
        except BaseException as error:  # what kills the greenlet; raised once the work is done
            killed = error
    result, failed = done.get()
    if killed is not None:
        raise killed
    if failed is not None:
        raise failed
    return result


def clear_folder(settings: Settings) -> Path:
    """Where sounds lie in the clear for FreeSWITCH and browsers: in memory, if the settings name such a folder."""
    return Path(settings.privacy.clear_folder or settings.data_dir)


def web_cache(settings: Settings) -> Cache:
    """Copies of sounds as browsers have them."""
    return _cache(settings, "web")


def _cache(settings: Settings, name: str = "cache") -> Cache:
    from esl_vm.audio.cache import Cache

    return Cache(
        clear_folder(settings) / name,
        limit_bytes=settings.audio.cache_mb << 20,
        hold_s=settings.audio.cache_minutes * 60,
        run=in_thread,
    )


def _open_audio(settings: Settings, store: Store, cache: Cache, seal: Seal) -> AudioStore:
    wanted = settings.audio
    match wanted.store:
        case "folder":
            from esl_vm.audio.folder_audio import FolderAudio

            return FolderAudio(Path(wanted.folder), cache, run=in_thread, seal=seal)
        case "s3":
            from esl_vm.audio.s3_audio import S3Audio
            from esl_vm.audio.s3_client import S3Address, connect

            address = S3Address(
                wanted.bucket, wanted.prefix, wanted.endpoint, wanted.region, wanted.access_key, wanted.secret_key
            )
            return S3Audio(connect(address), wanted.bucket, cache, prefix=wanted.prefix, run=in_thread, seal=seal)
        case _:
            from esl_vm.audio.redis_audio import RedisAudio
            from esl_vm.store import keys

            return RedisAudio(store.link, keys.audio, cache, run=in_thread, seal=seal)


def open_prompts(settings: Settings) -> PromptPack:
    """The prompt pack; raises InvalidValueError for a folder FreeSWITCH could not be told of."""
    from esl_vm.speech.packs import open_pack

    return open_pack(settings.speech.pack, settings.speech.prompts)


def open_spoken_prompts(settings: Settings) -> SpokenPrompts:
    """The prompts as callers hear them: prepared in the data folder, unless the settings leave them as the pack has them.

    Raises:
        InvalidValueError: a folder FreeSWITCH could not be told of.
    """
    from esl_vm.speech.packs import NominalPack
    from esl_vm.speech.prepared import PreparedPack

    pack = open_prompts(settings)
    if isinstance(pack, NominalPack) or not settings.speech.prepare:
        return pack
    return PreparedPack(pack, Path(settings.data_dir) / "prompts")
