"""README: a newcomer's machine, then one node; backup and restore, the pages of every day, and remedies of doctor's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from cli.remedy_bench import parts

from docs_check.followed import BEFORE, NOTIFY, OPTIONS, README, SECURITY, WEB, Followed
from docs_check.pages import command_lines, in_section, indented, without_note

if TYPE_CHECKING:
    from docs_check.hosts import Host


def newcomer(followed: Followed, all_hosts: list[Host]) -> None:
    """README, "Try it", as it stands: a machine with Python, and nothing of ours."""
    host = all_hosts[0]
    host.run("make .venv/.has-run", online=True)  # what the first `make run` does first; the rest needs no network
    run, *calls = [without_note(line) for line in indented(README, "Try it")]
    assert run == "make run"
    followed.type_in(README, "Try it", run, [host], typed="nohup make run >run.log 2>&1 & echo $! >run.pid")
    followed.expect(
        "it takes calls",
        README,
        "Try it",
        60,
        lambda: "takes calls on 127.0.0.1:8084" in host.run("cat run.log").stdout,
    )
    for line, keys in zip(calls, ("# # 1", "1234# 1 #"), strict=True):
        followed.type_in(README, "Try it", line, [host], typed=f"{line} --keys '{keys}' --mute")
    followed.type_in(README, "Try it", "make demo", [host])
    host.run("kill $(cat run.pid)")
    for section, line in command_lines(OPTIONS):
        followed.type_in(OPTIONS, section, line, [host], typed=f".venv/bin/{line}")


def one_node(followed: Followed, all_hosts: list[Host]) -> None:
    """README: one node, its mailboxes, a call, every day's commands; then mail and webhooks, backup and restore."""
    host = all_hosts[0]
    host.run(BEFORE)
    lines = indented(README, "With a FreeSWITCH")
    lamps = lines.index("[notify]")
    for line in lines[:lamps]:
        if not line.startswith("<"):
            followed.type_in(README, "With a FreeSWITCH", line, [host])
    host.write("/etc/esl-vm.toml", "\n".join(lines[lamps : lamps + 3]) + "\n")
    host.write("/etc/esl-vm/event-socket", "ClueCon\n", "esl-vm", 0o400)
    host.run("systemctl restart esl-vm")
    for line in lines[lamps + 3 :]:
        followed.type_in(README, "With a FreeSWITCH", line, [host])
    followed.type_in("", "a call", "esl-vm phone 1001 --from 1002 --keys '# # 1' --mute", [host], "esl-vm")
    listed = host.run("esl-vm message list 1001@default --json").stdout
    found = re.search(r'"id": "([^"]+)"', listed)
    followed.expect("the message is there", README, "Every day", 1, lambda: found is not None)
    message = found[1] if found else "none"
    for line in indented(README, "Every day"):
        followed.type_in(README, "Every day", without_note(line), [host])
    for section, line in command_lines(NOTIFY):
        if line.startswith("esl-vm"):
            followed.type_in(NOTIFY, section, line, [host], typed=line.replace(" ID", " --all"))
    for section, line in command_lines(WEB):
        tokens = re.findall(r"\b[0-9a-f]{12}\b", host.run("esl-vm token list").stdout)
        typed = re.sub(r"\b[0-9a-f]{12}\b", tokens[0] if tokens else "none", line)
        followed.type_in(WEB, section, line, [host], typed=typed)
    host.run("mkdir -p backup; chmod 777 backup")
    for section in (
        "Back up",
        "Restore",
        "Who signed in",
        "Links in mails",
        "Calls at your expense",
        "What is stored how",
    ):
        for block in in_section(SECURITY, section):
            if block.kind not in {"sh", "console"}:
                continue
            for line in block.commands:
                if line == "esl-vm restore backup/voicemail":  # into what page says: a Redis without mailboxes
                    host.run("rm -rf /var/lib/esl-vm/redis")
                followed.type_in(SECURITY, section, line, [host], typed=line.replace(" ID ", f" {message} "))
    restored = host.run("esl-vm message list 1001@default --json").stdout
    followed.expect("the restored mailbox has its message", SECURITY, "Restore", 1, lambda: message in restored)
    remedies(followed, host)


#: What brings a finding about on a node that is well, and words of its remedy; the first that it has one type is typed.
#: The others are done by tests/cli/test_remedies.py.
PROVOKED = (
    ("systemctl stop esl-vm", "systemctl start esl-vm"),
    ("chgrp -R root /var/lib/esl-vm/spool; chmod -R g-s /var/lib/esl-vm/spool", "chgrp -R voicemail"),
    ("touch /var/lib/esl-vm/cache/of-roots", "chown -R esl-vm"),
    ("apt-get remove --yes 'asterisk-core-sounds-fr.*'", "asterisk-core-sounds-fr-wav"),
)


def remedies(followed: Followed, host: Host) -> None:
    """What doctor says is done as it says, where it takes a host of one's own: the finding is gone then."""
    for provoked, words in PROVOKED:
        host.run(provoked, online="apt-get" in provoked)

        def findings(words: str = words) -> list[dict]:
            told = json.loads(host.run("esl-vm doctor --json").stdout or "[]")
            return [one for one in told if words in one["remedy"]]

        found = findings()
        followed.expect(f"doctor finds it: {words}", "doctor", "", 1, lambda found=found: bool(found))
        for one in found[:1]:
            package = re.search(r"package ([\w-]+)", one["remedy"])
            typed = f"apt-get install --yes {package[1]}" if package else parts(one["remedy"])[0]
            followed.type_in("doctor", one["area"], typed, [host])
            followed.expect("it finds it no more", "doctor", one["area"], 10, lambda find=findings: not find())
