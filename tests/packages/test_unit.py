"""What systemd itself says of the unit's restrictions."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "scripts/esl-vm.service"


def test_the_unit_is_exposed_at_most_2_5():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    command = ["systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=25", UNIT]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in told.stderr:
        pytest.skip("this systemd-analyze looks at running units only")
    assert told.returncode == 0, told.stdout[-200:] + told.stderr
