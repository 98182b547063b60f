"""Every channel variable that is read or set stands in docs/options.md, and no other."""

import re
from pathlib import Path

from esl_vm.esl.phone import PhoneSettings

ROOT = Path(__file__).parents[2]
VARIABLE = r"vm_[a-z_]+"


def test_the_variables_of_the_code_are_those_of_the_page():
    code = "".join(path.read_text() for path in (ROOT / "esl_vm/dialogue").glob("*.py"))
    known = set(re.findall(rf'"({VARIABLE})"', code)) | set(re.findall(rf"\b({VARIABLE})=", code))
    page = (ROOT / "docs/options.md").read_text().partition("## Channel variables")[2]
    told = set(re.findall(rf"^\| `({VARIABLE})`", page, re.MULTILINE))
    assert known == told


def test_the_variables_of_freeswitch_that_are_kept_are_those_of_the_page():
    page = (ROOT / "docs/options.md").read_text()
    told = re.search(r"Of FreeSWITCH's own variables these are read: (.*?)\n\n", page, re.DOTALL)[1]
    assert set(re.findall(r"`([a-z_]+)`", told)) == set(PhoneSettings().variables)
