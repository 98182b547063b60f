"""What `esl-vm doctor --repair` does to orphans, written down before it is done, so that one command undoes it.

A journal is a folder of its own, `DATA/repairs/TIME`: `journal.jsonl` with a line for each step, and the sounds that were
erased. It stays until somebody removes it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import AudioMissingError, InvalidValueError, NoSuchMessageError
from esl_vm.model.mailbox import Greeting, MailboxId, StoredGreeting
from esl_vm.model.store import Delivery
from esl_vm.sound import disk
from esl_vm.store.records import message_fields, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.ops.node import Node
    from esl_vm.ops.orphans import LostSound, Orphans

HANDFUL = 20
"""So many messages, greetings and sounds a repair touches without being told to."""
_JOURNAL = "journal.jsonl"


def refusal(orphans: Orphans, most: int | None) -> str:
    """Why these are not to be repaired; `` if they may be.

    Args:
        orphans: what was found.
        most: how many the operator said may be touched; None: he did not say.
    """
    if orphans.many > (HANDFUL if most is None else most):
        return f"{orphans.many} messages, greetings and sounds would be touched"
    if orphans.most_are_gone and most is None:
        return f"the sounds of {len(orphans.lost)} of {orphans.pointed} are missing: is this the right store of sounds?"
    return ""


def repair(node: Node, orphans: Orphans) -> tuple[list[str], Path]:
    """Put messages without sound into the trash, deactivate greetings without sound, erase unused sounds.

    Returns:
        What was done, a line each, and the journal. A message that only lost its introduction stays: it can be heard.
    """
    folder = Path(node.settings.data_dir) / "repairs" / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(node.clock.now()))
    disk.make_folder(folder)
    folder.chmod(0o700)
    done = []
    with (folder / _JOURNAL).open("a") as journal:

        def note(**step: Any) -> None:
            journal.write(json.dumps(step) + "\n")
            journal.flush()

        for lost in orphans.lost:
            if lost.greeting and (stored := _greeting(node, lost)) is not None:
                note(greeting=str(lost.greeting.value), box=str(lost.box), **_fields(stored))
                node.mailboxes.remove_greeting(lost.box, lost.greeting)
                done.append(f"{lost.box}: greeting {lost.greeting} deactivated: its sound is gone")
            elif lost.message_id and _in_trash(node, lost, note):
                done.append(f"{lost.box}: message {lost.message_id} put into the trash: its sound is gone")
        for sound in orphans.unused:
            try:
                content = node.audio.stored(sound)
            except AudioMissingError:
                continue
            (folder / f"{sound}.wav").write_bytes(content)
            note(sound=sound)
            node.audio.delete(sound)
            done.append(f"sound {sound} erased: nothing points to it")
    return done, folder


def undo(node: Node, folder: Path) -> Iterator[str]:
    """Undo a repair, the last step first; doing it twice is doing it once. Yields what was undone, a line each.

    Raises:
        InvalidValueError: that is no journal.
    """
    try:
        steps = [json.loads(line) for line in (folder / _JOURNAL).read_text().splitlines()]
    except (OSError, ValueError) as wrong:
        raise InvalidValueError(f"{folder} is no journal of a repair: {wrong}") from wrong
    for step in reversed(steps):
        if "sound" in step:
            node.audio.put(step["sound"], folder / f"{step['sound']}.wav")
            yield f"sound {step['sound']} is there again"
        elif "greeting" in step:
            stored = StoredGreeting(step["audio_id"], step["duration_ms"], step["starts"], step["ends"])
            box, greeting = MailboxId.parse(step["box"]), Greeting(step["greeting"])
            mailbox = node.mailboxes.open(box)
            if mailbox is not None and greeting not in mailbox.greetings:
                node.mailboxes.may_come_back(box, stored.audio_id)
                node.mailboxes.set_greeting(box, greeting, stored)
                yield f"{box}: greeting {greeting} is active again"
        elif _put_back(node, MailboxId.parse(step["box"]), step["message"], step["fields"]):
            yield f"{step['box']}: message {step['message']} is back in its folder"


def last_journal(node: Node) -> Path | None:
    """The journal of the latest repair; None if there is none."""
    found = sorted((Path(node.settings.data_dir) / "repairs").glob(f"*/{_JOURNAL}"))
    return found[-1].parent if found else None


def _greeting(node: Node, lost: LostSound) -> StoredGreeting | None:
    mailbox = node.mailboxes.open(lost.box)
    return mailbox.greetings.get(lost.greeting) if mailbox and lost.greeting else None


def _fields(stored: StoredGreeting) -> dict[str, Any]:
    return {
        "audio_id": stored.audio_id,
        "duration_ms": stored.duration_ms,
        "starts": stored.starts,
        "ends": stored.ends,
    }


def _in_trash(node: Node, lost: LostSound, note: Any) -> bool:
    """Where a mailbox keeps no trash (`trash_days` 0) it is gone: the journal has all of it."""
    try:
        message = node.mailboxes.message(lost.box, lost.message_id)
    except NoSuchMessageError:
        return False
    fields = message_fields(message, node.seal) | {"folder": message.folder.value}
    note(message=lost.message_id, box=str(lost.box), fields=fields)
    return node.mailboxes.delete_because(lost.box, lost.message_id, "sound lost")


def _put_back(node: Node, box: MailboxId, message_id: str, fields: dict[str, str]) -> bool:
    if node.mailboxes.restore(box, message_id):
        return True
    try:
        node.mailboxes.message(box, message_id)
    except NoSuchMessageError:
        node.mailboxes.may_come_back(box, message_id)
        return (
            node.mailboxes.deliver(box, message_of(message_id, fields, node.seal), even_if_full=True) is Delivery.DONE
        )
    return False  # it is in its folder
