"""What `esl-vm setup` works on, built: FreeSWITCH's event socket, the stores, mailboxes, the call at its end."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import SwitchDownError
from esl_vm.model.settings_check import parse_address
from esl_vm.service.wiring import EMBEDDED, open_node
from esl_vm.setup.actions import Call
from esl_vm.setup.call import LONGEST_S
from esl_vm.setup.mailboxes import add, new_mailboxes, why_kept
from esl_vm.setup.running import reload_service, service_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.actions.mailbox_changes import HandsOutPins
    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node
    from esl_vm.setup.actions import World
    from esl_vm.setup.call import Tried
    from esl_vm.setup.look import Look
    from esl_vm.setup.plan import Plan

_CONNECT_S = 6.0
_ATTEMPT_S = 0.05
_LOOK_S = 0.5


def connected_switch(host: str, port: int, password: str) -> EventSocketSwitch:
    """FreeSWITCH's event socket, connected; raises SwitchDownError with the reason."""
    from esl_vm.esl.inbound import EventSocketSwitch, SwitchSettings

    switch = EventSocketSwitch(SwitchSettings(host=host, port=port, password=password))
    switch.start()
    until = time.monotonic() + _CONNECT_S
    while not switch.wait_connected(_ATTEMPT_S):
        if switch.trouble or time.monotonic() > until:
            switch.close()
            why = switch.trouble or "it takes connections and says nothing"
            raise SwitchDownError(f"FreeSWITCH at {host}:{port}: {why}; nothing was changed")
    return switch


@contextmanager
def node_if_there(settings: Settings) -> Iterator[Node | None]:
    """The stores; None where an embedded Redis would have to be started for it, which makes files."""
    if settings.redis.url == EMBEDDED:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(Path(settings.data_dir) / "redis" / "redis.sock"))
            except OSError:
                yield None
                return
    with open_node(settings) as node:
        yield node


def plan_mailboxes(plan: Plan, found: Look, handout: HandsOutPins) -> None:
    """Mailboxes for the directory's users who have none."""
    settings = found.situation.settings
    domain = settings.service.domain if found.situation.domains < 2 else ""
    with node_if_there(settings) as node:
        new = new_mailboxes(found.users, domain, settings.pins, node.mailboxes.open if node else lambda _: None)

    def make(world: World) -> None:
        with open_node(settings) as node:
            missing = [one for one in new if node.mailboxes.open(one.box) is None]
            add(missing, settings.pins, node.add_mailbox, handout, world)

    said = tuple(
        f"{one.box} {one.fields.get('name', '')}: {'its vm-password' if one.pin else 'a random PIN'}" for one in new
    )
    work = [Call(said, make)] if new else []
    plan.add("mailboxes", f"{len(new)} mailboxes", "users of FreeSWITCH's directory who have none", work)


def plan_reload(plan: Plan, found: Look) -> None:
    """The service reads its settings anew, where they change or it is not connected to FreeSWITCH."""
    settings = found.situation.settings
    pid = service_of(parse_address(settings.service.listen)[1])
    changed = any(step.key == "settings" for step in plan.steps)
    if pid is None:
        plan.notes.append("the service is not seen to run here: `systemctl start esl-vm`")
        return
    with node_if_there(settings) as node:
        up = node is not None and _reported(node) == "up"
    work = Call((f"kill -HUP {pid}",), lambda _: reload_service(pid))
    what = "the service reads its settings anew"
    plan.add("service", what, "it connects to FreeSWITCH; running calls go on", [work] if changed or not up else [])


def _reported(node: Node) -> str:
    """What the service of this node says of its connection to FreeSWITCH; `` where none is alive."""
    name = node.settings.service.node
    return next(
        (one.fields.get("freeswitch", "") for one in node.store.cluster.nodes() if one.name == name and one.alive), ""
    )


def _wait_until_connected(node: Node) -> None:
    """Until a service that reads its settings anew has come to FreeSWITCH; the call says what is wrong where it does not."""
    until = time.monotonic() + LONGEST_S
    while _reported(node) not in {"", "up"} and time.monotonic() < until:
        time.sleep(_LOOK_S)


def reload_if_running(settings: Settings) -> None:
    """The service, where it is seen to run, reads its settings anew."""
    pid = service_of(parse_address(settings.service.listen)[1])
    if pid is not None:
        reload_service(pid)


def remove_unused(settings: Settings, box: str) -> str:
    """Remove a mailbox that setup made and nobody used; why it is left, `` where it is gone."""
    from esl_vm.model.mailbox import MailboxId

    with open_node(settings) as node:
        one = MailboxId.parse(box, settings.service.domain)
        mailbox = node.mailboxes.open(one)
        why = why_kept(mailbox)
        if mailbox is not None and not why:
            node.registry.remove(one)
        return why


def call_itself(found: Look) -> Iterator[Tried]:
    """The call at the end of setup, each step as it is done; raises StoreDownError, SwitchDownError."""
    from gevent import spawn
    from gevent.queue import Empty, Queue

    from esl_vm.setup.call import EVENTS, CalledMailboxes, SelfCall

    switch = found.switch
    if switch is None:
        return
    queue: Any = Queue()
    events = switch.events(EVENTS)
    next(events)  # from now on none is missed

    def event(seconds: float) -> Any:
        try:
            return queue.get(timeout=seconds)
        except Empty:
            return None

    def read() -> None:
        for one in events:
            queue.put(one)

    reader = spawn(read)
    situation = found.situation
    several = situation.domains > 1
    domain = found.users[0].domain if several else situation.settings.service.domain
    try:
        with open_node(situation.settings) as node:
            _wait_until_connected(node)
            ears = node.spool.folder.takes
            yield from SelfCall(switch, CalledMailboxes(node), domain, event, ears=ears, each_call=several)()
    finally:
        reader.kill()
