"""The wheel on the newest Python that Debian has: it installs without a compiler, and its embedded Redis keeps a message."""

import shutil

from support import debian as debians
from support.debian import Debian, bootstrapped

pytestmark = debians.pytestmark


def test_the_newest_python_of_debian_runs_the_service(built_wheel, tmp_path):
    base = bootstrapped(tmp_path, "sid", "python3", "python3-venv")
    debian = Debian(tmp_path / "copy", base)
    try:
        debian.wake()
        shutil.copy(built_wheel, debian.root / "root")
        debian.run(
            "python3 -m venv venv && venv/bin/pip install --quiet --only-binary :all: --no-binary greenswitch ./esl_vm-*.whl"
        )
        print(debian.run("venv/bin/python --version"))
        debian.run("venv/bin/esl-vm --data-dir data mailbox add 1001 --random-pin")
        debian.run("venv/bin/esl-vm --data-dir data phone 1001 --from 1002 --keys '# # 1'")
        assert "1002" in debian.run("venv/bin/esl-vm --data-dir data message list 1001")
    finally:
        debian.close()
