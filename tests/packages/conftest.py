"""Packages and Debians, each made once for all tests of this folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.debian import bootstrapped, output_of

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
#: What any host has that has more than the smallest Debian.
USUAL = ("systemd-sysv", "dbus", "python3", "adduser", "init-system-helpers")


def _made(script, *words):
    """ESL_VM_BUILT=1: what lies in dist/ is of this tree."""
    if not os.environ.get("ESL_VM_BUILT"):
        subprocess.run([sys.executable, ROOT / "packaging" / script, *words], check=True)


@pytest.fixture(scope="session")
def built_wheel():
    _made("make-dist")
    return next(DIST.glob("*.whl"))


@pytest.fixture(scope="session")
def package_of(built_wheel):
    """Builds a Debian package: of a distribution's name or number, for an architecture (this machine's)."""
    assert built_wheel
    made = {}
    here = output_of("dpkg", "--print-architecture").strip()

    def package(suite, architecture=here):
        number = {"bookworm": 12, "trixie": 13}[suite]
        if (suite, architecture) not in made:
            _made("make-deb", f"{suite}-{architecture}")
            made[suite, architecture] = next(DIST.glob(f"*~deb{number}_{architecture}.deb"))
        return made[suite, architecture]

    return package


@pytest.fixture(scope="session")
def usual_debian(tmp_path_factory):
    """Makes a Debian to copy, as any host has it."""
    made = {}

    def debian(suite):
        if suite not in made:
            made[suite] = bootstrapped(tmp_path_factory.mktemp("base"), suite, *USUAL)
        return made[suite]

    return debian
