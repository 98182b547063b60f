"""What `esl-vm doctor` looks at: each check tells what it found, and what to do about it."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm import __version__
from esl_vm.model.errors import SpoolError, StoreDownError, SwitchDownError, VoicemailError
from esl_vm.model.findings import Finding, Level
from esl_vm.model.masking import mask_url
from esl_vm.model.settings import limits_of
from esl_vm.ops.agreement import SOUNDS_REMEDY, sounds_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node

NEEDED_MODULES = (
    "mod_event_socket",
    "mod_dptools",
    "mod_commands",
    "mod_sndfile",
    "mod_tone_stream",
    "mod_dialplan_xml",
)
_FEW_FREE = 1 << 30
THIS_HOST = frozenset({"localhost", "127.0.0.1", "::1"})


def check_settings(settings: Settings, path: Path | None) -> Iterator[Finding]:
    """The settings file, and who may read the secrets in it and in the files it names."""
    yield Finding("settings", Level.OK, f"esl-vm {__version__}, settings from {path or 'the defaults'}")
    for file, held in _secret_files(settings, path).items():
        with contextlib.suppress(OSError):
            if file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
                said = f"{file} holds {', '.join(held)} and everybody may read it"
                yield Finding("settings", Level.WARNING, said, f"chmod o-rw {file}")
    mail = settings.mail
    if mail.host and mail.password and mail.security == "none" and mail.host not in THIS_HOST:
        said = f"the password of mail goes to {mail.host} as it is, for all on the way to read (mail.security = none)"
        yield Finding("mail", Level.WARNING, said, 'set `mail.security = "starttls"`, or "tls"')


def _secret_files(settings: Settings, path: Path | None) -> dict[Path, list[str]]:
    """Where the effective secrets stand, by file."""
    found: dict[Path, list[str]] = {}
    for section in dataclasses.fields(settings):
        table = getattr(settings, section.name)
        for setting in dataclasses.fields(table) if dataclasses.is_dataclass(table) else ():
            value = getattr(table, setting.name)
            is_secret = limits_of(setting).secret or (setting.name == "url" and value != mask_url(value))
            if value and is_secret:
                file = getattr(table, f"{setting.name}_file", "") or path
                if file:
                    found.setdefault(Path(file), []).append(f"{section.name}.{setting.name}")
    return found


def check_audio(node: Node) -> Iterator[Finding]:
    """The audio store: a sound goes in, comes back as it was, and is gone again."""
    audio_id = f"doctor-{os.getpid()}-{time.time_ns():x}"
    where = {"redis": "Redis", "folder": node.settings.audio.folder, "s3": f"bucket {node.settings.audio.bucket}"}
    name = where[node.settings.audio.store]
    try:
        problem = sounds_problem(node)
        if problem:
            yield Finding("audio", Level.ERROR, problem, SOUNDS_REMEDY)
            return
        with tempfile.NamedTemporaryFile(suffix=".wav") as sound:
            sound.write(b"RIFF" + audio_id.encode())
            sound.flush()
            node.audio.put(audio_id, Path(sound.name))
        same = node.audio.playable(audio_id).read_bytes() == b"RIFF" + audio_id.encode()
        node.audio.delete(audio_id)
    except (VoicemailError, OSError) as wrong:
        yield Finding("audio", Level.ERROR, f"{name}: {wrong}", "see that this user may read and write there")
        return
    if same:
        yield Finding("audio", Level.OK, f"sounds go into {name} and come back")
    else:
        yield Finding(
            "audio",
            Level.ERROR,
            f"{name} gives back other bytes than it was given",
            "see what alters them on the way: a proxy, a gateway",
        )


def check_spool(node: Node) -> Iterator[Finding]:
    """The spool: writable, shared with FreeSWITCH's user, room on its disk, nothing left lying."""
    spool = node.spool.folder
    try:
        spool.make_ready()
        takes = list(node.spool.takes())
    except SpoolError as wrong:
        yield Finding("spool", Level.ERROR, str(wrong), "make the folder writable for this user, or free the disk")
        return
    free = shutil.disk_usage(spool.takes).free
    low = free < _FEW_FREE
    yield Finding(
        "spool",
        Level.WARNING if low else Level.OK,
        f"{spool.takes.parent} is writable, {free >> 20} MB free",
        "free the disk: recordings are refused at "
        f"{node.settings.spool.min_free_mb} MB, and the embedded Redis and the cache need room too"
        if low
        else "",
    )
    folder = spool.takes.stat()
    if not folder.st_mode & stat.S_ISGID or not folder.st_mode & stat.S_IWGRP:
        yield Finding(
            "spool",
            Level.WARNING,
            f"{spool.takes} is not a group's folder: a FreeSWITCH that runs as another user can't record there",
            f"with both users in that group: `chgrp -R voicemail {spool.takes.parent}; chmod -R g+rws {spool.takes.parent}`",
        )
    if folder.st_mode & stat.S_IRWXO:
        said = f"{spool.takes} is open to everybody on this host: recordings can be listed there"
        yield Finding("spool", Level.WARNING, said, f"chmod -R o-rwx {spool.takes.parent}")
    for state, level, remedy in (
        ("waiting", Level.WARNING, "when Redis is there: `esl-vm spool settle`"),
        ("unfinished", Level.WARNING, "the service settles them within seconds; `esl-vm spool settle` does it now"),
        ("elsewhere", Level.WARNING, "share the folders between hosts, or have each FreeSWITCH ask its own host first"),
        (
            "aside",
            Level.ERROR,
            "try again what is in quarantine: `esl-vm spool settle --quarantined`; `esl-vm spool list` says why it is",
        ),
    ):
        many = [take for take in takes if take.state == state]
        if many:
            how = "in quarantine" if state == "aside" else state
            yield Finding("spool", level, f"{len(many)} recordings are {how}: {many[0].reason or 'no reason'}", remedy)


def check_prompts(settings: Settings) -> Iterator[Finding]:
    """The prompts of each language."""
    from esl_vm.speech.packs import check_pack, open_pack

    for check in check_pack(open_pack(settings.speech.pack, settings.speech.prompts)):
        said = f"{check.language}: {check.total - len(check.missing)} of {check.total} prompts, {check.kind} pack in {check.folder}"
        yield Finding("prompts", Level.OK if check.complete else Level.ERROR, said, check.advice)


def check_freeswitch(node: Node, switch: EventSocketSwitch | None) -> Iterator[Finding]:
    """This node's FreeSWITCH: there, its modules, mod_voicemail out of the way, our files in its sight."""
    if switch is None:
        yield Finding(
            "freeswitch",
            Level.WARNING,
            "notify.freeswitch is not set: no lamps, and FreeSWITCH can't be looked at",
            'set `notify.freeswitch = "127.0.0.1:8021"` and `notify.password_file = "/etc/esl-vm/event-socket"`',
        )
        return
    address = node.settings.notify.freeswitch
    try:
        yield Finding("freeswitch", Level.OK, f"{address}: {switch.api('version').strip().splitlines()[0]}")
        missing = [name for name in NEEDED_MODULES if switch.api(f"module_exists {name}").strip() != "true"]
        if missing:
            remedy = f"load them in autoload_configs/modules.conf.xml: {', '.join(missing)}"
            yield Finding("freeswitch", Level.ERROR, f"modules are not loaded: {', '.join(missing)}", remedy)
        if switch.api("module_exists mod_voicemail").strip() == "true":
            yield Finding(
                "freeswitch",
                Level.ERROR,
                "mod_voicemail is loaded and answers the telephones' questions too: lamps flicker",
                "`fs_cli -x 'unload mod_voicemail'`, and take it out of modules.conf.xml",
            )
        spool = Path(node.settings.spool.folder) / "takes"
        for folder in (spool, node.cache.folder):
            wrong_with_it = ""
            if folder.is_dir() and not _sees(switch, folder):
                wrong_with_it = "does not see"
            elif folder == spool and folder.is_dir() and not _writes(switch, folder):
                wrong_with_it = "can't write into"
            if wrong_with_it:
                remedy = "`esl-vm setup` shares it; or let FreeSWITCH's user into the group of that folder and of those above it, and restart FreeSWITCH"
                yield Finding("freeswitch", Level.ERROR, f"FreeSWITCH {wrong_with_it} {folder}", remedy)
    except SwitchDownError as wrong:
        remedy = "start FreeSWITCH; compare event_socket.conf.xml with notify.freeswitch and its password"
        yield Finding("freeswitch", Level.ERROR, f"{address}: {wrong}", remedy)


def _sees(switch: EventSocketSwitch, folder: Path) -> bool:
    """Whether FreeSWITCH finds a file that is put there for it."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor-") as probe:
        Path(probe.name).chmod(0o660)
        return switch.api(f"file_exists {probe.name}").strip() == "true"


def _writes(switch: EventSocketSwitch, folder: Path) -> bool:
    """Whether FreeSWITCH can record there, tried on a line to nowhere; True where it has none (mod_loopback)."""
    from uuid import uuid4

    from esl_vm.recordings.probe import can_record

    uuid = str(uuid4())
    if not switch.api(f"originate {{origination_uuid={uuid}}}null/doctor &park()").startswith("+OK"):
        return True
    try:
        return can_record(lambda lines: [switch.api(line) for line in lines], uuid, folder)
    finally:
        switch.api(f"uuid_kill {uuid}")


def check_service(settings: Settings) -> Iterator[Finding]:
    """Whether a service takes calls here."""
    import socket

    from esl_vm.model.settings_check import parse_address

    host, port = parse_address(settings.service.listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:  # who connects without being FreeSWITCH is told of in the service's log; an address that is taken is enough
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as wrong:
        if wrong.errno == errno.EADDRINUSE:
            yield Finding("service", Level.OK, f"calls are taken on {settings.service.listen}")
            return
        why = f": {wrong.strerror}"
    else:
        why = ""
    remedy = "`systemctl start esl-vm`, or `esl-vm serve`"
    yield Finding("service", Level.WARNING, f"nothing takes calls on {settings.service.listen}{why}", remedy)


def check_mail(node: Node) -> Iterator[Finding]:
    """Mail: the server there, nothing given up."""
    from esl_vm.model.jobs import JobState

    settings = node.settings.mail
    if settings.host:
        yield _mail_server(node)
    try:
        dead = sum(1 for _ in node.outbox.jobs(JobState.DEAD))
    except StoreDownError:
        return
    if dead:
        yield Finding(
            "mail",
            Level.WARNING,
            f"{dead} mails, texts, webhook calls or transcripts were given up",
            "esl-vm mail list --dead; esl-vm mail retry --all",
        )


def _mail_server(node: Node) -> Finding:
    """Whether it takes mail from us: its certificate and our password included, as the settings have them."""
    from esl_vm.notify.smtp_connection import ServerAwayError, SmtpServer, connection

    settings = node.settings.mail
    said = [f"{settings.host}:{settings.port} answers"]
    try:
        with connection(SmtpServer.of(settings, longest_s=10.0)) as line:
            line.noop()
    except ServerAwayError as wrong:
        return Finding("mail", Level.ERROR, str(wrong), "correct [mail] in the settings, or the server")
    if settings.security != "none":
        said.append("its certificate is trusted")
    if settings.user:
        said.append("our password is accepted")
    return Finding("mail", Level.OK, ", ".join(said))
