"""mod_voicemail's events, so that what listens to it goes on working: CUSTOM, subclass vm::maintenance.

Names and values are those of mod_voicemail.c. What differs: there is no channel whose headers could be added; the PIN
is never told (mod_voicemail's change-password carries it in clear); leave-message comes after the message is safe in
the mailbox, not before. docs/notify.md has the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from esl_vm.model.events import NO_MAILBOXES, Event, EventType
from esl_vm.model.mailbox import Folder, Greeting
from esl_vm.notify.lamps import REASONS
from esl_vm.notify.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUBCLASS = "vm::maintenance"


def maintenance_events(event: Event, domain: str, sound: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """The events mod_voicemail would have fired for this one, in its order; none for what it doesn't know.

    Args:
        event: what happened.
        domain: what FreeSWITCH's users call the mailbox's domain.
        sound: a file on this node with the sound of an id, `` if it can't be had.
    """
    match event.what:
        case EventType.LOGIN | EventType.LOGIN_FAILED if event.box in NO_MAILBOXES:
            return
        case EventType.DELIVERED:
            yield _named("leave-message", event, domain, _message(event, sound))
        case EventType.LOGIN:
            yield _named("authentication", event, domain, {"VM-Auth-Result": "success"})
            yield _named(
                "folder-summary", event, domain, {"VM-Folder": _folder(Folder.NEW), **_totals(event, "-Messages")}
            )
        case EventType.LOGIN_FAILED:
            yield _named("authentication", event, domain, {"VM-Auth-Result": "fail"})
        case EventType.PIN_CHANGED:
            yield _named("change-password", event, domain, {})
        case EventType.GREETING_SET:
            path = sound(_text(event, "audio_id"))
            if _text(event, "greeting") == Greeting.NAME:
                yield _named("record-name", event, domain, {"VM-Name-Path": path})
            else:
                # Recorded and active at once: mod_voicemail has one event for each.
                yield _named("record-greeting", event, domain, {"VM-Greeting-Path": path})
                yield _named("change-greeting", event, domain, {"VM-Greeting-Path": path})
        case EventType.GREETING_REMOVED:
            yield _named("remove-greeting", event, domain, {})
        case _:
            pass
    if event.what in REASONS:  # what changes the counts
        yield _named("mwi-update", event, domain, _totals(event))


def _named(action: str, event: Event, domain: str, more: dict[str, str]) -> dict[str, str]:
    """An event's headers: what every one has, then its own."""
    return {
        "VM-Action": action,
        "VM-User": event.box.number,
        "VM-Domain": domain,
        **more,
        "VM-Event-ID": f"{event.partition}-{event.id}",
    }


def _message(event: Event, sound: Callable[[str], str]) -> dict[str, str]:
    """leave-message's headers; lengths in whole seconds, as mod_voicemail counts them."""
    return {
        "VM-Caller-ID-Name": _text(event, "caller_name"),
        "VM-Caller-ID-Number": _text(event, "caller_number"),
        "VM-File-Path": sound(event.message_id),
        "VM-Flags": "A_URGENT" if event.details.get("urgent") in {True, "1", "yes"} else "B_NORMAL",
        "VM-Folder": _folder(_text(event, "folder")),
        "VM-UUID": event.message_id,
        "VM-Message-Len": str(round(float(event.details.get("duration_ms") or 0) / 1000)),
        "VM-Timestamp": str(int(event.at)),
    }


def _totals(event: Event, what: str = "") -> dict[str, str]:
    """mwi-update's headers; with `-Messages` at the end of their names, folder-summary's."""
    counts = Summary.of(event.counts)
    return {
        f"VM-Total-New{what}": str(counts.new),
        f"VM-Total-Saved{what}": str(counts.old),
        f"VM-Total-New-Urgent{what}": str(counts.urgent_new),
        f"VM-Total-Saved-Urgent{what}": str(counts.urgent_old),
    }


def _folder(folder: str) -> str:
    """mod_voicemail's name of a folder: new and old messages lie in `inbox`."""
    return "inbox" if folder in {"", Folder.NEW, Folder.OLD} else folder


def _text(event: Event, name: str) -> str:
    """A detail as text, `` if there is none."""
    value: Any = event.details.get(name)
    return "" if value is None else str(value)
