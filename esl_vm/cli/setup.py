"""`esl-vm setup`: this service put into the FreeSWITCH of this node, tried with a call, and taken out again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esl_vm.cli.config import settings_of
from esl_vm.cli.output import complain, confirmed, print_json, show
from esl_vm.cli.parsers import json_option
from esl_vm.cli.pin_handout import handing_out, handout_options
from esl_vm.cli.settings_file import SYSTEM_FILE, settings_path

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from esl_vm.cli.parsers import Commands
    from esl_vm.model.settings import Settings
    from esl_vm.setup.actions import World
    from esl_vm.setup.call import Tried
    from esl_vm.setup.look import Look
    from esl_vm.setup.plan import Plan, Step

_JOURNAL = Path("/var/backups/esl-vm-setup")
#: The exit code where all was done, and something is left for the administrator.
LEFT_TO_DO = 3


def add_commands(commands: Commands) -> None:
    """`setup`."""
    parser = commands.add(
        "setup",
        "put this service into the FreeSWITCH of this node, and try it with a call",
        _run,
        description="Find FreeSWITCH, show what is to be changed, ask, and change it: the group, the settings, the dialplan,\n"
        "extensions of its vanilla configuration that are in the way, mod_voicemail, first mailboxes from its directory.\n"
        "Then it calls itself: a message is left, its lamp lit, and heard. Done twice, the second finds nothing to do.",
        codes={0: "all is well", 1: "something failed", 3: "something is left for you to do"},
        examples="""
            esl-vm setup --dry-run
            esl-vm setup
            esl-vm setup --yes --pins-to pins.csv --keep Local_Extension
            esl-vm setup --undo
        """,
    )
    parser.add_argument(
        "--conf", metavar="DIR", default="", help="FreeSWITCH's configuration folder, if not a usual one"
    )
    parser.add_argument(
        "--freeswitch",
        metavar="HOST:PORT",
        dest="event_socket",
        default="",
        help="its event socket, if not as its files say",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be changed, and change nothing")
    parser.add_argument("--undo", action="store_true", help="put back what setup found")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--keep", action="append", default=[], metavar="EXTENSION", help="leave it where it is")
    parser.add_argument("--no-mailboxes", action="store_true", help="make no mailboxes for the directory's users")
    parser.add_argument("--no-call", action="store_true", help="do not call at the end")
    parser.add_argument(
        "--offline", action="store_true", help="change FreeSWITCH's files while it does not run; no call"
    )
    parser.add_argument("--journal", metavar="DIR", help=f"where what was there before is kept ({_JOURNAL})")
    handout_options(parser, many=True)
    json_option(parser)


def _run(args: argparse.Namespace) -> int:
    from esl_vm.setup.actions import World
    from esl_vm.setup.journal import Journal
    from esl_vm.setup.running import run_program

    settings = settings_of(args)
    journal = Journal(_journal_folder(args, settings))
    journal.check()
    if args.undo:
        return _undo(args, settings, World(journal, run_program))
    found = _look(args, settings)
    try:
        return _set_up(args, found, World(journal, run_program, found.switch))
    finally:
        if found.switch is not None:
            found.switch.close()


def _journal_folder(args: argparse.Namespace, settings: Settings) -> Path:
    """Not where the service may write: what stands in it is done by who runs this."""
    if args.journal:
        return Path(args.journal).absolute()
    return _JOURNAL if os.geteuid() == 0 else Path(settings.data_dir) / "setup"


def _look(args: argparse.Namespace, settings: Settings) -> Look:
    from esl_vm.service.setting_up import connected_switch
    from esl_vm.setup.look import Wishes, look

    wishes = Wishes(args.conf, args.event_socket, tuple(args.keep), args.offline)
    file = (settings_path(getattr(args, "config", ""), os.environ) or SYSTEM_FILE).absolute()
    return look(wishes, settings, file, connected_switch)


def _set_up(args: argparse.Namespace, found: Look, world: World) -> int:
    from esl_vm.model.errors import VoicemailError
    from esl_vm.service.setting_up import plan_mailboxes, plan_reload
    from esl_vm.setup.plan import plan_of, refusals
    from esl_vm.setup.running import carry_out

    plan = plan_of(found.situation)
    with handing_out(args, found.situation.settings) as handout:
        if not args.no_mailboxes:
            plan_mailboxes(plan, found, handout)
        plan_reload(plan, found)
        _show_plan(args, found, plan)
        refused = list(refusals(plan, world.journal.folder)) if plan.steps else []
        if args.json and any(step.key == "mailboxes" for step in plan.steps) and not (args.pins_to or args.mail_pins):
            refused.append("with --json, random PINs need --pins-to FILE, --mail-pins, or --no-mailboxes")
        if args.dry_run:
            for line in refused:
                complain(line)
            return _report(args, found, plan, left=refused)
        if refused or (plan.steps and not confirmed("Do this?", yes=args.yes)):
            for line in [*refused, "nothing was changed"]:
                complain(line)
            return 1
        try:
            carry_out(plan, world, lambda step: _say(args, f"done     {step.what}"))
        except (VoicemailError, OSError) as wrong:
            complain(str(wrong))
            complain("what was done until then stays: `esl-vm setup` again goes on, `esl-vm setup --undo` puts it back")
            return 1
    left = _left_to_do(found)
    tried = [] if args.no_call or left else _call(args, found)
    for line in left:
        _say(args, f"to do    {line}")
    return _report(args, found, plan, tried, left)


def _say(args: argparse.Namespace, line: str) -> None:
    if not args.json:
        show(line)


def _show_plan(args: argparse.Namespace, found: Look, plan: Plan) -> None:
    _say(args, f"FreeSWITCH: {found.version or 'not asked'}; its configuration: {found.situation.conf.root}")
    for number, step in enumerate(plan.steps, 1):
        _say(args, f"{number}. {step.what}: {step.why}")
        for line in _changes(step):
            _say(args, f"       {line}")
    for note in plan.notes:
        _say(args, f"note     {note}")
    if not plan.steps:
        _say(args, "there is nothing to do")


def _changes(step: Step) -> list[str]:
    return [line for action in step.actions for line in action.lines()]


def _left_to_do(found: Look) -> list[str]:
    """What only the administrator does."""
    from esl_vm.setup.look import must_restart

    if found.switch is None:
        return ["start FreeSWITCH, then run `esl-vm setup` again: it looks, and calls"]
    unit = must_restart(found.situation)
    if unit:
        reads = "systemctl daemon-reload; " if unit == "esl-vm" else ""
        return [
            f"`{reads}systemctl restart {unit}`: its user is new in the group; then `esl-vm setup` again, which calls"
        ]
    return []


def _call(args: argparse.Namespace, found: Look) -> list[Tried]:
    from esl_vm.service.setting_up import call_itself

    tried = []
    for one in call_itself(found):
        tried.append(one)
        _say(args, f"{'well    ' if one.ok else 'FAILED  '} {one.step}: {one.said}")
        if one.remedy:
            _say(args, f"{'':9}-> {one.remedy}")
    return tried


def _report(
    args: argparse.Namespace, found: Look, plan: Plan, tried: Sequence[Tried] = (), left: Sequence[str] = ()
) -> int:
    """What was done and tried, for programs; the exit code."""
    import dataclasses

    if args.json:
        steps = [
            {"step": one.key, "what": one.what, "why": one.why, "changes": _changes(one), "done": not args.dry_run}
            for one in plan.steps
        ]
        print_json(
            {
                "freeswitch": {"version": found.version, "conf": str(found.situation.conf.root)},
                "steps": steps,
                "notes": plan.notes,
                "to_do": list(left),
                "call": [dataclasses.asdict(one) for one in tried],
            }
        )
    if any(not one.ok for one in tried):
        return 1
    return LEFT_TO_DO if left else 0


def _undo(args: argparse.Namespace, settings: Settings, world: World) -> int:
    import dataclasses

    from esl_vm.model.errors import VoicemailError
    from esl_vm.service.setting_up import reload_if_running, remove_unused
    from esl_vm.setup.undo import planned, undo

    lines = list(planned(world))
    for line in lines or ["there is nothing to undo"]:
        _say(args, line)
    done: dict[str, Any] = {"done": [], "left": []}
    if lines and not args.dry_run:
        if not confirmed("Put this back?", yes=args.yes):
            complain("nothing was changed")
            return 1
        try:  # it need not answer, nor be understood, for its files to be put back
            world = dataclasses.replace(world, switch=_look(args, settings).switch)
        except VoicemailError as wrong:
            complain(str(wrong))
        done = dataclasses.asdict(undo(world, lambda box: remove_unused(settings, box)))
        reload_if_running(settings)
    for state, each in done.items():
        for line in each:
            _say(args, f"{state:<9}{line}")
    if args.json:
        print_json({"undo": lines, **done})
    return LEFT_TO_DO if done["left"] else 0
