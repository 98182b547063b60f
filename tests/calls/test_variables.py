"""Every channel variable that is read or set stands in docs/options.md, and no other."""

import re
from pathlib import Path

from esl_vm.dialogue.leaving import Reason
from esl_vm.esl.channel_data import MOD_VOICEMAIL, VARIABLES
from esl_vm.model.call import Action, AnswerPolicy, Cause, Status

ROOT = Path(__file__).parents[2]
VARIABLE = r"vm_[a-z_]+"
CHANNEL_VARIABLES = (ROOT / "docs/options.md").read_text().partition("## Channel variables")[2]


def test_the_variables_of_the_code_are_those_of_the_page():
    code = "".join(path.read_text() for path in (ROOT / "esl_vm").rglob("*.py"))
    known = set(re.findall(rf'"({VARIABLE})"', code)) | set(re.findall(rf"\b({VARIABLE})=", code))
    known -= set(MOD_VOICEMAIL)
    plans = "".join(path.read_text() for path in (ROOT / "dialplan").glob("*.xml"))
    others = set(re.findall(rf"\^({VARIABLE})\$", plans)) | set(re.findall(rf'cmd="set" data="({VARIABLE})=', plans))
    page = CHANNEL_VARIABLES.partition("The shipped dialplan has")[0]
    told = set(re.findall(rf"^\| `({VARIABLE})`", page, re.MULTILINE))
    assert known - (others - told) == told  # the others are its extensions, and settings of its own


def test_the_variables_of_the_shipped_dialplan_are_those_of_the_page():
    sets = {}
    for path in (ROOT / "dialplan").glob("*.xml"):
        plan = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)
        for scope, name in re.findall(
            rf'(cmd="set"|application="(?:set|export)") data="(?:nolocal:)?({VARIABLE})=', plan
        ):
            sets.setdefault("global" if scope.startswith("cmd") else "channel", set()).add(name)
        used = set(re.findall(rf"\$\{{({VARIABLE})\}}", plan))
        assert used <= set(re.findall(rf"`({VARIABLE})`", CHANNEL_VARIABLES)), path.name
    before_socket, own = (
        CHANNEL_VARIABLES.partition("The service sets")[0],
        CHANNEL_VARIABLES.partition("The shipped")[2],
    )
    assert sets["global"] == set(
        re.findall(rf"`({VARIABLE})`", "\n".join(re.findall(r"^\|[^|]*\|", own, re.MULTILINE)))
    )
    assert sets["channel"] - {"vm_status"} <= set(re.findall(rf"^\| `({VARIABLE})`", before_socket, re.MULTILINE))


def test_each_value_a_variable_can_have_is_on_the_page():
    rows = dict(re.findall(rf"^\| `({VARIABLE})` \| (.*) \|$", CHANNEL_VARIABLES, re.MULTILINE))
    for name, values in {
        "vm_action": Action,
        "vm_answer": AnswerPolicy,
        "vm_status": Status,
        "vm_reason": Reason,
    }.items():
        assert {value.value for value in values} <= set(re.findall(r"`([A-Za-z_]+)`", rows[name])), name


def test_each_cause_is_on_the_page():
    rows = CHANNEL_VARIABLES.partition("what happened |")[2].partition("\n\n")[0]
    told = set(re.findall(r"^\|[^|]*\| `([a-z-]+)` \|", rows, re.MULTILINE))
    assert told == {cause.value for cause in Cause} - {""}


def test_the_variables_of_freeswitch_that_are_kept_are_those_of_the_page():
    page = (ROOT / "docs/options.md").read_text()
    told = re.search(r"Of FreeSWITCH's own variables these are read: (.*?)\n\n", page, re.DOTALL)[1]
    assert set(re.findall(r"`([A-Za-z_]+)`", told)) == set(VARIABLES)
