"""The Debian packages in Debians made for them: the page on packages followed, upgrade and back under a call, nothing left."""

import re
import shutil

import pytest
from docs_check.pages import in_section
from support import debian as debians
from support.debian import Debian, HeldCall, output_of
from support.waiting import wait_until

PAGE = "docs/packages.md"
BEFORE = "0.0.9"
SPEAK = "import wave; w = wave.open('speech.wav', 'wb'); w.setparams((1, 2, 8000, 0, 'NONE', '')); w.writeframes(b'\\0\\x20\\0\\xe0' * 960000)"

pytestmark = debians.pytestmark


def former(package, folder):
    """The same package as of the version before: nothing else differs."""
    root = folder / "former"
    output_of("dpkg-deb", "--raw-extract", package, root)
    [its] = root.glob("usr/lib/esl-vm/lib/python3*/site-packages/esl_vm/__init__.py")
    for path in (root / "DEBIAN/control", its):
        path.write_text(path.read_text().replace("0.1.0", BEFORE))
    output_of("dpkg-deb", "--root-owner-group", "-Znone", "--build", root, folder / "former.deb")
    shutil.rmtree(root)
    return folder / "former.deb"


def everything(debian):
    """All files below /etc, /usr, /var/lib and /run that are no package manager's and no systemd's own."""
    own = (
        "/run/adduser", "/run/systemd/", "/var/lib/systemd/", "/var/lib/dpkg/", "/var/lib/apt/", "/var/cache/", "__pycache__",
        "/run/log/", "/run/user", "/run/mount",
    )  # fmt: skip
    found = debian.run("find /etc /usr /var/lib /run -xdev").splitlines()
    return {name for name in found if not any(part in name for part in own)}


def users(debian):
    return {line.partition(":")[0] for line in debian.run("cat /etc/passwd /etc/group").splitlines()}


def state(debian):
    return debian.run("systemctl show --value --property ActiveState esl-vm").strip()


def version(debian):
    assert state(debian) == "active"
    return re.search(r"esl-vm (\S+) takes calls", debian.run("journalctl --unit esl-vm --output cat | tac"))[1]


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_the_page_on_packages_is_right(suite, package_of, usual_debian, tmp_path):
    package = package_of(suite)
    now = package.name.split("_")[1].partition("~")[0]
    installs, tries = (block.commands for block in in_section(PAGE, "Installing"))
    [removes] = (block.commands for block in in_section(PAGE, "Removing"))
    debian = Debian(tmp_path / suite, usual_debian(suite))
    shutil.copy(package, debian.root / "root")
    shutil.copy(former(package, tmp_path), debian.root / "root/former.deb")
    try:
        debian.boot()
        debian.run("useradd --system freeswitch")
        before = everything(debian)
        for line in installs:
            debian.run(line)
        assert "voicemail" in debian.run("id freeswitch")
        assert debian.run("stat -c '%U %G %a' /var/lib/esl-vm /etc/esl-vm /etc/esl-vm.toml").splitlines() == [
            "esl-vm voicemail 2770",
            "esl-vm root 700",
            "esl-vm root 600",
        ]
        assert version(debian) == now
        debian.run("systemd-analyze security --threshold=25 esl-vm.service")
        told = [debian.run(line) for line in tries]
        assert "1002" in told[-1]
        # The version before, and up again with a call on.
        debian.run("apt-get install --yes --allow-downgrades ./former.deb")
        assert version(debian) == BEFORE
        assert "1002" in debian.run(tries[-1])
        upgraded_under_a_call(debian, installs[0])
        assert version(debian) == now
        assert {"1002", "1003"} <= set(debian.run(tries[-1]).split())
        assert "Traceback" not in debian.run("journalctl --unit esl-vm")
        # Where nobody can be asked the messages stay, and are there again when the package is.
        assert "still in /var/lib/esl-vm" in debian.run("apt-get purge --yes esl-vm")
        assert "esl-vm" in users(debian)
        debian.run(installs[0])
        assert "1003" in debian.run(tries[-1])
        for line in removes:
            debian.run(line)
        assert everything(debian) - before == set()
        assert "esl-vm" not in users(debian)
    finally:
        debian.close()


def upgraded_under_a_call(debian, line):
    """The service lets the call end, and takes none meanwhile."""
    phone = "esl-vm phone 1001 --service 127.0.0.1:8084"
    debian.run(f'python3 -c "{SPEAK}"')
    call = HeldCall(debian, f"exec {phone} --from 1003 --mute --voice speech.wav")
    call.sees("(bip)")
    upgrade = debian.start(line, stdout=(debian.root.parent / "upgrade").open("w"))
    wait_until(lambda: state(debian) == "deactivating")
    assert "no service" in debian.run(f"{phone} --from 1004 --keys '#'", code=1)
    assert call.is_on()
    assert upgrade.poll() is None
    call.press("#")
    call.sees("Merci")
    call.press("1")
    assert call.ended() == 0, call.screen()
    assert upgrade.wait(300) == 0
