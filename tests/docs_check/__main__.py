"""`make docs-check`: the pages followed literally, each on hosts made for it.

    python -m docs_check            all of it (root is needed; about ten minutes)
    python -m docs_check sentinel   one of: newcomer, node, moving-in, sentinel, cluster

Every command of a page is typed as it stands, as the user whom the page names, on the hosts that it names; every settings
file is written where the page says. The table tells what each came to.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.partitions import NoNamespacesError

from docs_check.followed import ADMINISTRATION, BEFORE, OPERATIONS, Followed
from docs_check.hosts import Host, hosts
from docs_check.moving_in import moving_in
from docs_check.one_node import newcomer, one_node
from docs_check.pages import command_lines, in_section

if TYPE_CHECKING:
    from collections.abc import Callable


def installed(followed: Followed, all_hosts: list[Host]) -> None:
    """Section 1 of the administration page."""
    for host in all_hosts:
        host.run(BEFORE)
    for block in in_section(ADMINISTRATION, "1. On every node: the program"):
        for line in block.commands:
            followed.type_in(
                ADMINISTRATION, block.section, line, all_hosts, "esl-vm" if block.kind == "console" else "root"
            )


def served(followed: Followed, all_hosts: list[Host], settings: str) -> None:
    """Sections 3 to 5: settings, start, mailboxes and a call; the settings are the page's."""
    for host in all_hosts:
        host.write("/etc/esl-vm.toml", settings, "esl-vm", 0o600)
    first = all_hosts[:1]
    for block in in_section(ADMINISTRATION, "3. Start", "Keys (DTMF)", "5. Mailboxes", "Is that enough?"):
        if block.kind in {"sh", "console"}:
            where = first if block.section == "5. Mailboxes" else all_hosts
            for line in block.commands:
                followed.type_in(ADMINISTRATION, block.section, line, where, "root" if block.kind == "sh" else "esl-vm")
    for host in all_hosts:
        told = host.run("esl-vm mailbox show 2001@default", "esl-vm")
        followed.expect(
            f"{host.address} has the mailbox",
            ADMINISTRATION,
            "5. Mailboxes",
            1,
            lambda told=told: "Alice Martin" in told.stdout,
        )


def settings_in(section: str, *more: str) -> str:
    """The settings file of a section, with lines of others where the page adds them."""
    [text, *_] = [block.text for block in in_section(ADMINISTRATION, section) if block.kind == "toml"]
    return "\n".join([text, *more])


def sentinel(followed: Followed, all_hosts: list[Host]) -> None:
    """The administration page with Sentinel, and another password while it runs."""
    installed(followed, all_hosts)
    section = "With Sentinel"
    redis, watch = (
        next(b.text for b in in_section(ADMINISTRATION, section) if b.kind == kind) for kind in ("redis", "sentinel")
    )
    install, start = (block for block in in_section(ADMINISTRATION, section) if block.kind == "sh")
    for line in install.commands:
        followed.type_in(ADMINISTRATION, section, line, all_hosts)
    for number, host in enumerate(all_hosts):
        follows = "" if not number else f"replicaof {all_hosts[0].address} 6379\n"
        host.write(
            "/etc/redis/redis.conf",
            f"{redis}bind 127.0.0.1 {host.address}\n{follows}dir /var/lib/redis\n",
            "redis:redis",
        )
        host.write("/etc/redis/sentinel.conf", watch, "redis:redis")
    for line in start.commands:
        followed.type_in(ADMINISTRATION, section, line, all_hosts)
    followed.expect(
        "the master has two replicas in step", ADMINISTRATION, section, 60, lambda: in_step(all_hosts[0], 6379)
    )
    followed.expect(
        "three Sentinels know each other", ADMINISTRATION, section, 60,
        lambda: "num-other-sentinels\n2" in all_hosts[0].run("redis-cli -p 26379 sentinel master voicemail").stdout,
    )  # fmt: skip
    served(followed, all_hosts, settings_in(section))
    operated(followed, all_hosts[0])
    section = "Another password"
    first, second = (block for block in in_section(ADMINISTRATION, section) if block.kind == "sh")
    for line in first.commands:
        followed.type_in(ADMINISTRATION, section, line, all_hosts)
    for host in all_hosts:
        host.run("sed -i 's/:change-this@/:changed@/' /etc/esl-vm.toml")
        followed.type_in(ADMINISTRATION, section, "systemctl restart esl-vm", [host])
    for line in second.commands:
        followed.type_in(ADMINISTRATION, section, line, all_hosts)
    call = "esl-vm phone '*97' --from 2001 --keys '4821# #' --mute"
    followed.type_in("", "a call after it", call, all_hosts[2:], "esl-vm")
    section = "A node more, a node less"
    for line in ("systemctl stop esl-vm", "esl-vm spool list"):
        followed.type_in(OPERATIONS, section, line, all_hosts[2:])
    section = "7. Try what will happen anyway"
    followed.type_in("", section, "systemctl stop redis-server", all_hosts[:1])
    followed.expect(
        "the mailbox is served again after the master's end", ADMINISTRATION, section, 30,
        lambda: "SUCCESS" in all_hosts[1].run(call, "esl-vm").stdout,
    )  # fmt: skip


def operated(followed: Followed, host: Host) -> None:
    """The operations page on a node that serves; its mailbox is the one of the administration page."""
    for section, line in command_lines(OPERATIONS):
        typed = line.replace("1001@default", "2001@default")
        if typed.startswith("redis-cli"):
            typed = f"export REDISCLI_AUTH=change-this; {typed}"
        followed.type_in(OPERATIONS, section, line, [host], typed=typed)


def in_step(host: Host, port: int) -> bool:
    """Whether a Redis is a replica, or a master that both its replicas follow."""
    told = host.run(f"redis-cli -a change-this -p {port} info replication").stdout
    return "role:slave" in told or told.count("state=online") == 2


def cluster(followed: Followed, all_hosts: list[Host]) -> None:
    """The administration page with a Cluster of nine."""
    installed(followed, all_hosts)
    section = "With Cluster"
    base = next(b.text for b in in_section(ADMINISTRATION, "With Sentinel") if b.kind == "redis")
    ours = next(b.text for b in in_section(ADMINISTRATION, section) if b.kind == "redis")
    for host in all_hosts:
        for port in (6379, 6380, 6381):
            name, folder = ("redis.conf", "redis") if port == 6379 else (f"redis-{port}.conf", f"redis-{port}")
            text = (
                base.replace("port 6379", f"port {port}")
                + ours
                + f"bind 127.0.0.1 {host.address}\ndir /var/lib/{folder}\n"
            )
            host.write(f"/etc/redis/{name}", text, "redis:redis")
    followed.type_in(ADMINISTRATION, section, "systemctl restart redis-server", all_hosts)
    prepare, create = (block for block in in_section(ADMINISTRATION, section) if block.kind == "sh")
    for line in prepare.commands:
        followed.type_in(ADMINISTRATION, section, line, all_hosts)
    for line in create.commands:
        followed.type_in(ADMINISTRATION, section, line, all_hosts[:1], typed=f"yes yes | {line}")
    followed.expect(
        "the Cluster is whole", ADMINISTRATION, section, 60,
        lambda: "cluster_state:ok" in all_hosts[0].run("redis-cli -a change-this cluster info").stdout,
    )  # fmt: skip
    whole = settings_in("With Sentinel")
    url = next(line for line in settings_in(section).splitlines() if line.startswith("url"))
    followed.expect(
        "each master has two replicas in step", ADMINISTRATION, section, 60,
        lambda: all(in_step(host, port) for host in all_hosts for port in (6379, 6380, 6381)),
    )  # fmt: skip
    served(followed, all_hosts, re.sub(r"^url = .*$", url, whole, flags=re.MULTILINE))


TRIALS: dict[str, tuple[int, Callable[[Followed, list[Host]], None]]] = {
    "newcomer": (1, newcomer),
    "node": (1, one_node),
    "moving-in": (1, moving_in),
    "sentinel": (3, sentinel),
    "cluster": (3, cluster),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("trial", nargs="*", help="which; all unless given")
    followed = Followed()
    for name in parser.parse_args().trial or TRIALS:
        count, follow = TRIALS[name]
        print(name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                with hosts(count, Path(folder)) as made:
                    follow(followed, made)
            except NoNamespacesError as why:
                print(f"not tried: {why}")
                return 0
    print(followed.table())
    for failure in followed.failures:
        print(failure, file=sys.stderr)
    return 1 if followed.failures else 0


if __name__ == "__main__":
    sys.exit(main())
