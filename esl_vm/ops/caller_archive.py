"""What there is about a caller as a ZIP archive: sounds, texts, JSON, and what each of them is."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

from esl_vm.model.errors import AudioMissingError, SealedError
from esl_vm.model.events import PRIVACY, EventType
from esl_vm.model.times import iso_time
from esl_vm.model.visible import json_text

if TYPE_CHECKING:
    from typing import BinaryIO

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.message import Message
    from esl_vm.ops.callers import Found
    from esl_vm.ops.node import Node

README = """\
What this voicemail service holds about the caller {number}, as of {at}.
Ce que ce service de messagerie vocale détient au sujet de l'appelant {number}, en date du {at}.

found.json     all that was found, one entry each
               tout ce qui a été trouvé, une entrée chacun
messages/      messages he left: sound (.wav), what is known of it (.json), transcript and note (.txt)
               les messages qu'il a laissés : son (.wav), renseignements (.json), transcription et note (.txt)
recordings/    recordings that have not reached a mailbox, or are kept for a while after they did
               les enregistrements qui ne sont pas encore dans une boîte, ou conservés un moment après
events.json    what happened: calls, deliveries, sign-ins
               ce qui s'est passé : appels, livraisons, ouvertures
jobs.json      mail, text messages, calls and the like that are still to be sent, or were given up
               courriels, textos, appels et autres qui sont encore à envoyer, ou abandonnés

Not in it: other people's messages in which the number is named (`mention`) and mailboxes' settings with it (`setting`),
which found.json lists; backups, logs of the system, and what was sent already.
N'y figurent pas : les messages d'autrui où le numéro est nommé (`mention`) et les réglages de boîtes (`setting`), que
found.json énumère; les sauvegardes, les journaux du système, et ce qui a déjà été envoyé.
{missing}"""


def write_archive(node: Node, found: Found, file: BinaryIO) -> None:
    """Write all of it there; a sound that can't be had is named in README.txt. Raises OSError, StoreDownError."""
    missing: list[str] = []
    zone = node.settings.service.timezone
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for box, message, trace in found.messages:
            if trace.kind == "message":
                missing += _message(node, archive, box, message)
        for sound in found.sounds:
            archive.writestr(f"recordings/{sound.node}/{sound.name}", sound.content)
        archive.writestr("events.json", _json([_event(event, zone) for event in found.events]))
        jobs = [{"id": job.id, "kind": job.kind, "mailbox": str(job.box), "body": job.body} for job in found.jobs]
        archive.writestr("jobs.json", _json(jobs))
        archive.writestr("found.json", _json([_trace(trace, zone) for trace in found.traces]))
        gaps = [*missing, *(f"the spool of {name}, which did not answer" for name in found.away)]
        said = "\nMissing / Manquent : " + ", ".join(gaps) + "\n" if gaps else ""
        at = iso_time(node.clock.now(), zone)
        archive.writestr("README.txt", README.format(number=found.number, at=at, missing=said))


def write_kept(node: Node, box: MailboxId, file: BinaryIO) -> int:
    """Write what a legal hold keeps of a mailbox's erased messages; how many. An event tells it, not among the mailbox's own."""
    many = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for message in node.store.holds.kept(box):
            _message(node, archive, box, message)
            many += 1
    node.mailboxes.log_event(PRIVACY, EventType.EXPORTED, mailbox=str(box), part="held", messages=str(many))
    return many


def _message(node: Node, archive: zipfile.ZipFile, box: MailboxId, message: Message) -> list[str]:
    """A message's files; the names of sounds that can't be had."""
    missing = []
    name = f"messages/{box}/{message.id}"
    for ending, sound in (("", message.id), ("-introduction", message.intro_id)):
        if sound:
            try:
                archive.write(node.audio.playable(sound), f"{name}{ending}.wav")
            except (AudioMissingError, SealedError):
                missing.append(f"{name}{ending}.wav")
    zone = node.settings.service.timezone
    known = {
        "mailbox": str(box),
        "id": message.id,
        "folder": str(message.folder),
        "caller_number": message.caller.number,
        "caller_name": message.caller.name,
        "received": iso_time(message.received, zone),
        "duration_ms": message.duration_ms,
        "urgent": message.urgent,
        "heard": message.heard,
        "origin": message.origin,
        "forwarded_by": message.forwarded_by,
        "handled_by": message.handled_by,
        **message.call.as_fields(),
    }
    archive.writestr(f"{name}.json", _json(known))
    texts = [message.transcript.text if message.transcript else "", message.note]
    if any(texts):
        archive.writestr(f"{name}.txt", "\n\n".join(filter(None, texts)) + "\n")
    return missing


def _event(event: Any, zone: str) -> dict[str, Any]:
    about = {"at": iso_time(event.at, zone), "what": str(event.what), "mailbox": str(event.box)}
    return {**about, "message": event.message_id, **event.details}


def _trace(trace: Any, zone: str) -> dict[str, Any]:
    at = iso_time(trace.at, zone) if trace.at else None
    return {"kind": str(trace.kind), "place": trace.place, "id": trace.id, "at": at, "what": trace.what}


def _json(value: Any) -> str:
    return json_text(value, indent=2) + "\n"
