"""`esl-vm backup` and `esl-vm restore`: all mailboxes with their sounds into one file, and out of it again."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm import __version__
from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, show
from esl_vm.cli.parsers import dry_run_option, renamed
from esl_vm.model.errors import AudioMissingError, InvalidValueError, StoreDownError
from esl_vm.model.events import EventType
from esl_vm.model.mailbox import MailboxId

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from esl_vm.cli.backup_file import BackupWriter
    from esl_vm.cli.parsers import Commands
    from esl_vm.ops.node import Node


def add_commands(commands: Commands) -> None:
    """`backup`, `restore`."""
    backup = commands.add(
        "backup",
        "write all mailboxes with their sounds into a file",
        _backup,
        description="Write all mailboxes, messages, greetings, PINs, distribution lists, ends of broadcasts and their sounds into a new file,\n"
        "while calls go on: each mailbox as it is at one moment. Mails on their way and past events are not in it.",
        examples="""
            esl-vm backup /backup/voicemail-monday
            esl-vm backup --without-sounds /backup/voicemail-monday
        """,
    )
    backup.add_argument("file", metavar="FILE", help="a file that is not there yet; only you may read it")
    backup.add_argument("--without-sounds", action="store_true", help="the sounds are saved otherwise (folder, S3)")
    restore = commands.add(
        "restore",
        "put the mailboxes of a backup in",
        _restore,
        description="Put in what `esl-vm backup` wrote: into a Redis without mailboxes, single, Sentinel or Cluster, with any\n"
        "number of partitions. The file is proved first.",
        examples="""
            esl-vm restore /backup/voicemail-monday
            esl-vm restore --replace /backup/voicemail-monday
        """,
    )
    restore.add_argument("file", metavar="FILE", help="what `esl-vm backup` wrote")
    restore.add_argument(
        "--replace", action="store_true", help="remove the mailboxes that are there; no service may run"
    )
    restore.add_argument("--as-copy", action="store_true", help="an installation of its own, with stores of its own")
    dry_run_option(restore)
    renamed(restore, "--check", "--dry-run")


def _backup(args: argparse.Namespace) -> int:
    from esl_vm.cli.backup_file import writing
    from esl_vm.ops.agreement import must_have_its_sounds
    from esl_vm.service.wiring import open_node

    settings = settings_of(args)
    sounds = not args.without_sounds
    with open_node(settings) as node, writing(Path(args.file)) as writer:
        node.store.verify()
        unfinished = node.store.renames.unfinished()
        if unfinished:
            old, new = next(iter(unfinished.items()))
            raise InvalidValueError(f"{old} is being renamed: finish it first, esl-vm mailbox rename {old} {new}")
        if sounds:
            must_have_its_sounds(node)
        writer.add(
            "head",
            made=time.time(),
            version=__version__,
            installation=node.store.installation,
            partitions=node.store.keys.partitions,
            schema=node.store.schema,
            sounds="here" if sounds else f"in {settings.audio.store} {settings.audio.folder or settings.audio.bucket}",
        )
        count, lost = _write_all(node, writer, sounds=sounds)
    show(f"{args.file}: {_counted(count)}")
    for sound in lost:
        complain(f"the sound {sound} is not in the store: esl-vm doctor --orphans")
    return 0


def _write_all(node: Node, writer: BackupWriter, *, sounds: bool) -> tuple[Counter[str], list[str]]:
    """All mailboxes and lists, each followed by its sounds; how many of what, and the sounds that are gone."""
    count: Counter[str] = Counter()
    seen: set[str] = set()
    lost: list[str] = []
    boxes: list[MailboxId] = []
    for kind, record in _all(node):
        writer.add(kind, **record)
        count[kind] += 1
        count["message"] += len(record.get("messages", ())) // 2
        boxes += [MailboxId.parse(record["box"])] if kind == "mailbox" else []
        for sound in _sounds(node, kind, record) if sounds else ():
            if sound in seen:
                continue
            seen.add(sound)
            try:
                content = node.audio.stored(sound)
            except AudioMissingError:
                lost.append(sound)
            else:
                writer.add("sound", id=sound, content=content)
                count["sound"] += 1
    with contextlib.suppress(StoreDownError):  # a Redis that takes no changes keeps nobody from what it has
        for box in boxes:
            node.mailboxes.log_event(box, EventType.EXPORTED, part="backup")
    return count, lost


def _sounds(node: Node, kind: str, record: dict[str, Any]) -> list[str]:
    from esl_vm.recordings.scheduled import scheduled_sounds

    if kind == "scheduled":
        return [
            s for one in node.mailboxes.scheduled() if one.message.id == record["id"] for s in scheduled_sounds(one)
        ]
    return node.store.backup.sounds(record) if kind in {"mailbox", "list"} else []


def _all(node: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    for box in node.registry.boxes():
        record = node.store.backup.mailbox(box)
        if record is not None:  # removed since
            yield "mailbox", record
    for record in node.store.backup.lists(found.id for found in node.store.lists.all()):
        yield "list", record
    for message_id, due, kept in node.mailboxes.scheduled_records():
        yield "scheduled", {"id": message_id, "due": due, "kept": kept}
    for record in node.store.broadcasts.ending():
        yield "broadcast", record


def _restore(args: argparse.Namespace) -> int:
    from esl_vm.service.wiring import open_node

    path = Path(args.file)
    head, proved = _proved(path)
    if args.dry_run:
        show(f"{path} is whole: {_counted(proved)}; made {_date(head)} by esl-vm {head['version']}")
        return 0
    with open_node(settings_of(args)) as node:
        node.store.take_any()  # an empty one is what a backup is for
        node.store.verify()
        _refuse(node, head, replace=args.replace)
        before = node.store.backup.master()
        _take_over(node, "" if args.as_copy else head["installation"])
        if args.replace:
            _remove_all(node)
        put = _put_all(node, path)
        node.store.backup.wait()
        if node.store.backup.master() != before:
            complain("another Redis became the master meanwhile: what was put in may be gone; restore with --replace")
            return 1
    show(f"{path}: {_counted(put)} put in")
    if head["sounds"] != "here":
        complain(f"the sounds are not in the file, they were {head['sounds']}: esl-vm doctor --orphans")
    return 0


def _proved(path: Path) -> tuple[dict[str, Any], Counter[str]]:
    """Read the whole file; its first record and how many of what. Raises InvalidValueError."""
    from esl_vm.cli.backup_file import records

    head: dict[str, Any] = {}
    count: Counter[str] = Counter()
    for record in records(path):
        if not head:
            if record["kind"] != "head":
                raise InvalidValueError(f"{path} does not begin as a backup does")
            head = record
            continue
        count[record["kind"]] += 1
        count["message"] += len(record.get("messages", ())) // 2
    if not head:
        raise InvalidValueError(f"{path} holds nothing")
    return head, count


def _refuse(node: Node, head: dict[str, Any], *, replace: bool) -> None:
    """Raises InvalidValueError where the restore would be undone, or undo what it should not."""
    from esl_vm.ops.agreement import sounds_problem
    from esl_vm.store.store import SCHEMA

    if head["schema"] > SCHEMA:
        raise InvalidValueError(f"the backup holds schema {head['schema']}, this version knows {SCHEMA}: upgrade")
    role = node.store.backup.role()
    if role != "master":
        raise InvalidValueError(
            f"{node.store.link.label} is a {role}: its master would undo it; name the master, or the Sentinels, in redis.url"
        )
    there = next(iter(node.registry.boxes()), None) or next(iter(node.store.lists.all()), None)
    if there is not None and not replace:
        raise InvalidValueError("there are mailboxes already: --replace removes them first")
    running = [one.name for one in node.store.cluster.nodes() if one.alive]
    if replace and there is not None and running:
        raise InvalidValueError(
            f"a service runs on {', '.join(running)}: stop it first, its calls would change what is put in"
        )
    if there is not None and (problem := sounds_problem(node)):
        raise InvalidValueError(f"audio.store: {problem}")


def _take_over(node: Node, installation: str) -> None:
    """Go on as the installation that was saved, where the store of sounds is nobody's or its own; `` = as another.

    Raises:
        InvalidValueError: the sounds there are another installation's.
    """
    owner, mine = node.audio.owner(), node.store.installation
    if owner in {"", installation}:
        if installation:
            node.store.backup.take_over(installation)
    elif owner != mine:
        raise InvalidValueError(
            f"the store of sounds belongs to installation {owner}, what is put in to {installation or mine}: correct [audio]"
        )
    node.store.verify()
    node.audio.claim(node.store.installation)


def _remove_all(node: Node) -> None:
    """All mailboxes and lists. Their sounds stay until housekeeping: the backup may hold the same ones."""
    for box in list(node.registry.boxes()):
        node.store.backup.remove_mailbox(box)
    for found in list(node.store.lists.all()):
        node.store.lists.remove(found.id)
    for message_id, _, _ in node.mailboxes.scheduled_records():
        node.mailboxes.scheduled_delivered(message_id)


def _put_all(node: Node, path: Path) -> Counter[str]:
    """Sounds before the mailboxes that point to them would be found: a mailbox waits for its own."""
    from esl_vm.cli.backup_file import records

    count: Counter[str] = Counter()
    waiting: dict[str, Any] | None = None

    put: dict[str, Callable[[dict[str, Any]], None]] = {
        "mailbox": node.store.backup.put_mailbox,
        "list": node.store.backup.put_list,
        "scheduled": lambda one: node.mailboxes.restore_scheduled(one["id"], one["due"], one["kept"]),
    }

    def finish() -> None:
        if waiting is not None:
            put[waiting["kind"]](waiting)
            count[waiting["kind"]] += 1
            count["message"] += len(waiting.get("messages", ())) // 2

    for record in records(path):
        if record["kind"] == "sound":
            with tempfile.NamedTemporaryFile(suffix=".wav") as sound:
                sound.write(record["content"])
                sound.flush()
                _put_sound(node, record["id"], Path(sound.name))
            count["sound"] += 1
        elif record["kind"] in put:
            finish()
            waiting = record
        elif record["kind"] == "broadcast":
            node.store.broadcasts.put({**record, "fields": list(record["fields"])})
    finish()
    return count


def _put_sound(node: Node, audio_id: str, sound: Path) -> None:
    """A copy of a message to many is kept with the others, as it was: a broadcast would fill Redis else."""
    from esl_vm.recordings.manifest import original_id

    if original_id(audio_id) == audio_id:
        node.audio.put(audio_id, sound)
    else:
        node.audio.put_many([audio_id], sound)


def _counted(count: Counter[str]) -> str:
    return (
        f"{count['mailbox']} mailboxes, {count['message']} messages, {count['list']} distribution lists, "
        f"{count['sound']} sounds"
    )


def _date(head: dict[str, Any]) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(head["made"]))
