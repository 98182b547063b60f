"""Setup beside a FreeSWITCH that is started with `-g`, as Debian's unit does: the service's unit gets that group."""

import shutil
from pathlib import Path

from support import debian as debians
from support.debian import Debian
from support.waiting import wait_until

pytestmark = debians.pytestmark

FREESWITCH = """
import threading
from pathlib import Path
from support.vanilla import VanillaSwitch
with VanillaSwitch(Path("/srv/fs/conf")):
    threading.Event().wait()
"""
UNIT = """
[Service]
User=freeswitch
Group=freeswitch
Environment=PYTHONPATH=/srv PYTHONDONTWRITEBYTECODE=1
ExecStart=/usr/lib/esl-vm/bin/python3 /srv/fs/freeswitch.py -u freeswitch -g freeswitch
"""
SETUP = "esl-vm setup --conf /srv/fs/conf"


def test_the_service_has_the_group_of_a_freeswitch_that_takes_no_other(package_of, usual_debian, tmp_path):
    package = package_of("trixie")
    debian = Debian(tmp_path / "trixie", usual_debian("trixie"))
    shutil.copy(package, debian.root / "root")
    shutil.copytree(Path(debians.__file__).parent, debian.root / "srv/support")
    (debian.root / "srv/fs").mkdir()
    (debian.root / "srv/fs/freeswitch.py").write_text(FREESWITCH)
    (debian.root / "etc/systemd/system/freeswitch.service").write_text(UNIT)
    try:
        debian.boot()
        debian.run("useradd --system --user-group freeswitch && chown freeswitch: /srv/fs")
        debian.run(f"apt-get install --yes ./{package.name}")
        debian.run("systemctl start freeswitch")
        wait_until(lambda: "vars.xml" in debian.run("ls /srv/fs/conf || true"), "FreeSWITCH is there")
        told = debian.run(f"{SETUP} --yes --no-call --no-mailboxes", code=3)
        assert "esl-vm comes into the group freeswitch" in told
        debian.run("systemctl daemon-reload && systemctl restart esl-vm")
        shown = debian.run("systemctl show --property Group,DropInPaths esl-vm")
        assert "Group=freeswitch\n" in shown
        assert "/esl-vm.service.d/freeswitch-group.conf" in shown
        number = debian.run("getent group freeswitch").split(":")[2]
        assert number in debian.run("grep ^Gid /proc/$(systemctl show --value -p MainPID esl-vm)/status").split()
        assert debian.run("stat -c '%U %G %a' /var/lib/esl-vm").split() == ["esl-vm", "freeswitch", "2770"]
        wait_until(lambda: "takes" in debian.run("ls /var/lib/esl-vm/spool || true"), "the service is up")
        debian.run("setpriv --reuid freeswitch --regid freeswitch --clear-groups touch /var/lib/esl-vm/spool/takes/x")
        assert "nothing" in debian.run(f"{SETUP} --yes --no-call --no-mailboxes").lower()
        debian.run(f"{SETUP} --undo --yes")
        debian.run("systemctl daemon-reload && systemctl restart esl-vm")
        assert "freeswitch" not in debian.run("systemctl show --property Group,DropInPaths esl-vm")
    finally:
        debian.close()
