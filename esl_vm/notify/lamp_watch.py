"""The parts of the notifier that stand beside one FreeSWITCH: its lamps, its questions, mod_voicemail's events.

Each method named like a part (see service.py) is run again and again by the service until it is stopped; it returns, or
raises StoreDownError or SwitchDownError, where something is away.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from esl_vm.model.errors import AudioMissingError, StoreDownError, SwitchDownError, UnsafeArgumentError
from esl_vm.model.events import NO_MAILBOXES, Event, EventType
from esl_vm.notify.lamp_counts import LampCounts
from esl_vm.notify.lamp_node import Domains, LampNode, voicemail_module_loaded
from esl_vm.notify.lamps import Lamps
from esl_vm.notify.maintenance import SUBCLASS, maintenance_events
from esl_vm.notify.new_registrations import ENDED, REGISTER
from esl_vm.notify.presence import PROBE, Presence
from esl_vm.notify.summary import Account, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.settings import Settings
    from esl_vm.notify.sources import Sources

log = logging.getLogger(__name__)

#: While thousands of mailboxes are looked at, what changes meanwhile need not wait for the end.
_BOXES_BETWEEN_READS = 100
_IDLE_S = 5.0
_ENDED = {name.removeprefix("CUSTOM ") for name in ENDED}
#: For so long an event that could not be fired is kept; then another notifier of the cluster may have taken it.
_KEEPS_S = 45.0
_PAUSE_S = 0.5
WAIT_MS = 1000
"""How long the store is asked to wait for events; a stop takes up to so long."""


class LampWatch:
    """Keeps the counts of all mailboxes and the lamps of one node.

    Args:
        sources, settings: see there. switch: this node's FreeSWITCH. stopping: set when the service stops.
        observe: see Lamps. wait_ms: how long the store is asked to wait for events.
    """

    def __init__(
        self,
        sources: Sources,
        settings: Settings,
        switch: EventSocketSwitch,
        stopping: threading.Event,
        observe: Callable[[float], None] | None = None,
        wait_ms: int = WAIT_MS,
    ) -> None:
        self._sources = sources
        self._reconcile_s = settings.notify.reconcile_s
        self._wait_ms = wait_ms
        self._switch = switch
        self._stopping = stopping
        self._counts = LampCounts()
        self._node = LampNode(Domains.of(settings))
        self._presence = Presence(switch, self._node, self._counts)
        self._lamps = Lamps(
            switch,
            self._node,
            self._counts,
            sources.clock,
            coalesce_s=settings.notify.coalesce_ms / 1000,
            observe=observe,
            presence=self._presence,
        )
        self._unsent: list[tuple[float, Event]] = []  # since when, and what is to be sent to mod_voicemail's listeners
        self._work = threading.Event()
        self._loaded = threading.Event()

    @property
    def loaded(self) -> bool:
        """Whether every mailbox was looked at once."""
        return self._loaded.is_set()

    @property
    def lamp_wait_s(self) -> float:
        """For how long the oldest change waits for its lamp, seconds."""
        return self._lamps.waiting_s

    def wake(self) -> None:
        """Let the parts see that they are to stop."""
        self._work.set()

    def follow(self) -> None:
        """Look at every mailbox, then follow the events; begins anew when the store was away."""
        after = dict(self._sources.feed.end())
        self._load(after)
        while not self._stopping.is_set():
            self._loaded.set()
            self._read(after, self._wait_ms)

    def fire(self) -> None:
        """Fire lamps when their time has come."""
        while True:
            self._work.clear()
            if self._stopping.is_set():  # looked at after clearing: a stop's wake is not lost
                return
            due = self._lamps.fire_due()
            wait = _IDLE_S if due is None else due - self._sources.clock.now()
            self._work.wait(max(0.005, min(_IDLE_S, wait)))

    def answer(self) -> None:
        """Answer FreeSWITCH's questions as they come; send it everything when it is (back) there."""
        for query in self._switch.events(["MESSAGE_QUERY", PROBE, REGISTER, *ENDED]):
            if self._stopping.is_set():
                return
            if not query:
                self._connected()
                continue
            if query.get("Event-Name") == "CUSTOM":
                if query.get("Event-Subclass") in _ENDED:
                    self._lamps.unregistered(query)
                else:
                    self._lamps.registered(query)
                    self._work.set()
                continue
            try:
                self._answer(query)
            except UnsafeArgumentError as error:
                log.warning("a %s can't be answered: %s", query.get("Event-Name"), error)
            except StoreDownError as error:
                log.warning("a %s is answered when the store is back: %s", query.get("Event-Name"), error)

    def _answer(self, query: Mapping[str, str]) -> None:
        """Answer one question; the lamps that it means are looked at first, as long as not all were."""
        probed = query.get("Event-Name") == PROBE
        account = self._presence.asked(query) if probed else Account.parse(query.get("Message-Account", ""))
        if account is not None and not self.loaded:
            for box in self._node.meant(account):
                self._look(box)
        if not probed:
            self._lamps.answer(query)
        elif account is not None:
            self._presence.answer(account, self._sources.clock.now())

    def go_round(self) -> None:
        """One round: look at every mailbox again and resend every lamp, spread over the interval."""
        if not self._loaded.wait(_PAUSE_S):
            return
        boxes = list(self._sources.registry.boxes())
        pause = self._reconcile_s / max(1, len(boxes))
        if not boxes:
            self._stopping.wait(pause)
        for box in boxes:
            if self._stopping.wait(pause):
                return
            if self._node.outdated or box == boxes[0]:
                self._node.look(self._switch)
            self._lamps.changed(self._look(box))
            self._lamps.resend(self._counts.lamps_of(box))
            self._work.set()
        for box in self._counts.boxes() - set(boxes):
            self._lamps.changed(self._look(box))

    def send_history(self) -> None:
        """Fire mod_voicemail's events; one that could not be fired is taken again later, here or on another node."""
        self._switch.api("version")  # with FreeSWITCH away nothing is taken that another node could send
        now = self._sources.clock.now()
        self._unsent = [(since, event) for since, event in self._unsent if now - since < _KEEPS_S]
        while not self._stopping.is_set():
            if not self._unsent:
                now = self._sources.clock.now()
                self._unsent = [(now, event) for event in self._sources.history.take(self._wait_ms)]
            while self._unsent:
                event = self._unsent[0][1]
                domain = self._node.domain(event.box.domain)
                for headers in maintenance_events(event, domain, self._sound):
                    if not self._sent(headers):
                        return
                self._sources.history.finish([event])
                self._unsent.pop(0)

    def _load(self, after: dict[int, str]) -> None:
        """Every mailbox as it is now; lamps that show something else are fired, without hurry if they are many."""
        changed: list[MailboxId] = []
        there = set()
        for box in self._sources.registry.boxes():
            if self._stopping.is_set():
                return
            there.add(box)
            changed += self._look(box)
            if len(there) % _BOXES_BETWEEN_READS == 0:
                self._read(after, 0)
        for box in self._counts.boxes() - there:
            changed += self._look(box)
        self._lamps.resend(dict.fromkeys(changed))
        self._work.set()

    def _read(self, after: dict[int, str], wait_ms: int) -> None:
        """Note the events there are, and where they end."""
        for event in self._sources.feed.read(after, wait_ms):
            after[event.partition] = event.id
            self._note(event)

    def _note(self, event: Event) -> None:
        """Count an event, and show it on the lamps."""
        if event.box in NO_MAILBOXES:
            return
        if event.what is EventType.BOX_REMOVED:
            concerned = self._counts.remove(event.box)
        else:
            extensions = str(event.details.get("extensions") or "").split(",")
            concerned = self._counts.changed(event.box, Summary.of(event.counts), extensions)
        self._lamps.changed(concerned, event.what, event.at)
        self._work.set()

    def _look(self, box: MailboxId) -> Iterable[MailboxId]:
        """One mailbox as it is now; the lamps that have to show something else."""
        version = self._counts.version(box)
        mailbox = self._sources.mailboxes.open(box)
        if mailbox is None:
            return self._counts.remove(box)
        return self._counts.load(box, Summary.of(mailbox.counts), mailbox.accounts, version)

    def _connected(self) -> None:
        """FreeSWITCH is there (again)."""
        try:
            self._node.look(self._switch)
            if voicemail_module_loaded(self._switch):
                log.warning("mod_voicemail runs beside us and answers the same queries: unload it, or lamps flicker")
        except SwitchDownError as error:
            log.warning("FreeSWITCH went away again: %s", error)
            return
        log.info("FreeSWITCH is there: all lamps are sent")
        self._lamps.reconnected()
        self._work.set()

    def _sent(self, headers: Mapping[str, str]) -> bool:
        """Fire one of mod_voicemail's events; what can't be sent to FreeSWITCH without harm is logged and left out."""
        try:
            return self._switch.fire("CUSTOM", headers, subclass=SUBCLASS)
        except UnsafeArgumentError as error:
            log.warning("an event of mod_voicemail's can't be sent: %s", error)
            return True

    def _sound(self, audio_id: str) -> str:
        """A file on this node with a sound, `` if it can't be had."""
        try:
            return str(self._sources.audio.playable(audio_id)) if audio_id else ""
        except (AudioMissingError, StoreDownError, OSError) as error:
            log.warning("no file for the sound %s: %s", audio_id, error)
            return ""
