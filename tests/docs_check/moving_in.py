"""The pages of moving in, with an old system on this host: files where it has them, a database, and `pbx` as its name."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from docs_check.followed import ADMINISTRATION, BEFORE, README, Followed
from docs_check.pages import ROOT, blocks, in_section, indented

if TYPE_CHECKING:
    from docs_check.hosts import Host

OLD = ROOT / "tests" / "data" / "migration"
#: Where the systems have what the test trees hold.
PLACES = {
    "asterisk/etc": "/etc/asterisk",
    "asterisk/spool/voicemail": "/var/spool/asterisk/voicemail",
    "mod-voicemail/storage": "/var/lib/freeswitch/storage",
    "mod-voicemail/directory": "/etc/freeswitch/directory",
}
#: `ssh pbx COMMAND`, for rsync: the old system is this host too.
SSH = '#!/bin/sh\nwhile [ "$1" != pbx ]; do shift; done; shift; exec sh -c "$*"\n'
DATABASE = (
    "mkdir -p /run/db; chown nobody /run/db",
    "runuser -u nobody -- $(ls -d /usr/lib/postgresql/*/bin)/initdb -D /run/db/data -A trust -U fusionpbx -N",
    (
        "runuser -u nobody -- $(ls -d /usr/lib/postgresql/*/bin)/pg_ctl -D /run/db/data -w -l /run/db/log -o '"
        "-c listen_addresses=127.0.0.1 -c unix_socket_directories=/run/db' start"
    ),
    "createdb -h 127.0.0.1 -U fusionpbx fusionpbx",
    "grep -v restrict tests/data/migration/fusionpbx/fusionpbx.sql | psql -q -h 127.0.0.1 -U fusionpbx fusionpbx",
)


def moving_in(followed: Followed, all_hosts: list[Host]) -> None:
    """The three pages, a rehearsal each, and README's line."""
    host = all_hosts[0]
    host.run(BEFORE)
    host.run("apt-get install --yes rsync postgresql-client-common", online=True)
    for block in in_section(ADMINISTRATION, "1. On every node: the program")[:1]:
        for line in block.commands:
            ran = host.run(line, online=line.startswith(("apt-get", "python3")))
            assert not ran.returncode, ran.stderr
    (host.root / "usr/local/bin/ssh").write_text(SSH)
    (host.root / "usr/local/bin/ssh").chmod(0o755)
    for name, place in PLACES.items():
        put(host, name, place)
    for line in indented(README, "Moving in"):
        followed.type_in(README, "Moving in", line, [host])
    rehearse(followed, host, "docs/migration-asterisk.md")
    put(host, "mod-voicemail/voicemail_default.db", "/var/lib/freeswitch/db/voicemail_default.db")
    rehearse(followed, host, "docs/migration-mod-voicemail.md")
    put(host, "fusionpbx/storage", "/var/lib/freeswitch/storage")
    for line in DATABASE:
        ran = host.run(line)
        assert not ran.returncode, f"{line}: {ran.stderr}"
    rehearse(followed, host, "docs/migration-fusionpbx.md")


def put(host: Host, name: str, place: str) -> None:
    """What the old system has, at its place."""
    there = host.root / place.lstrip("/")
    shutil.rmtree(there, ignore_errors=True)
    there.parent.mkdir(parents=True, exist_ok=True)
    if (OLD / name).is_dir():
        shutil.copytree(OLD / name, there)
    else:
        shutil.copy(OLD / name, there)


def rehearse(followed: Followed, host: Host, page: str) -> None:
    """A page from its copy to the end."""
    host.run("rm -rf old rehearsal; mkdir old")
    for block in blocks(page):
        for line in block.commands if block.kind in {"sh", "console"} else ():
            if "--odbc" in line:
                host.write(f"{host.where}/old/voicemessages.csv", ODBC)
            followed.type_in(page, block.section, line, [host])
    host.run("rm -rf rehearsal")


#: A recording of one sample, as the page has the table dumped.
ODBC = (
    "dir,msgnum,callerid,origtime,recording,flag,mailboxuser,mailboxcontext\n"
    '/var/spool/asterisk/voicemail/default/1007/INBOX,0,"""Bob"" <514>",1795217407,'
    "\\x524946462600000057415645666d74201000000001000100401f0000803e00000200100064617461020000000000,"
    ",1007,default\n"
)
