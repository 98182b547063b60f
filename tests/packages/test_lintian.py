"""What Debian's own checker says of the packages."""

import shutil

import pytest
from support import debian as debians
from support.debian import output_of

pytestmark = [
    *debians.pytestmark,
    pytest.mark.skipif(shutil.which("lintian") is None, reason="no lintian here"),
]


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_lintian_finds_no_error(suite, architecture, package_of):
    output_of("lintian", "--allow-root", "--fail-on", "error", package_of(suite, architecture))
