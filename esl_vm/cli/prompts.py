"""`esl-vm prompts`: the recorded phrases callers hear."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.config import settings_of
from esl_vm.cli.output import print_json, show
from esl_vm.cli.parsers import json_option

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(commands: Commands) -> None:
    """`prompts …`."""
    group = commands.group("prompts", "check the prompts, or build a folder of them")
    check = group.add(
        "check",
        "report which prompts are missing in which language, and where to get them",
        _check,
        codes={0: "nothing is missing", 1: "prompts are missing"},
        examples="esl-vm prompts check\nesl-vm prompts check --prompts /usr/share/freeswitch/sounds --json",
    )
    _prompts_option(check)
    json_option(check)
    build = group.add(
        "build",
        "make a folder of prompts that FreeSWITCH plays, from recordings of any format",
        _build,
        description="Make a folder of prompts that FreeSWITCH plays, from recordings of any format. What has no "
        "recording is spoken by espeak-ng if it is there, and listed as synthetic. Then: prompts = that folder.",
        examples="esl-vm prompts build /var/lib/esl-vm/prompts\nesl-vm prompts build /tmp/p --rate 16000 --prompts ~/june",
    )
    build.add_argument("folder", metavar="DIR", help="the folder to make or complete; recordings in it stay")
    build.add_argument("--rate", type=int, choices=(8000, 16000), default=8000, help="samples a second (default 8000)")
    build.add_argument("--no-synthesis", action="store_true", help="leave out what has no recording")
    _prompts_option(build)


def _prompts_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prompts", metavar="DIR", help="where the recordings are (default: the settings' folder)")


def _check(args: argparse.Namespace) -> int:
    from esl_vm.service.wiring import open_prompts
    from esl_vm.speech.packs import check_pack

    checks = check_pack(open_prompts(settings_of(args)))
    if args.json:
        print_json(
            [
                {
                    "language": check.language,
                    "pack": check.kind,
                    "folder": str(check.folder),
                    "total": check.total,
                    "complete": check.complete,
                    "prompts": {str(coverage): list(names) for coverage, names in check.prompts.items()},
                    "advice": check.advice,
                }
                for check in checks
            ]
        )
    else:
        for check in checks:
            counted = ", ".join(f"{len(names)} {coverage}" for coverage, names in check.prompts.items() if names)
            show(f"{check.language}: {'complete' if check.complete else 'INCOMPLETE'}: {counted}")
            show(f"    {check.kind} pack in {check.folder}")
            if check.missing:
                show(f"    missing: {', '.join(check.missing)}")
                show(f"    {check.advice}")
    return 0 if all(check.complete for check in checks) else 1


def _build(args: argparse.Namespace) -> int:
    from esl_vm.service.wiring import open_prompts
    from esl_vm.speech.build import build_pack, espeak_ng

    synthesizer = None if args.no_synthesis else espeak_ng()
    built = build_pack(
        open_prompts(settings_of(args)), Path(args.folder).absolute(), rate=args.rate, synthesizer=synthesizer
    )
    for language in built:
        done = {
            "converted": language.converted,
            "kept": language.kept,
            "synthesized": language.synthesized,
        }
        counted = ", ".join(f"{len(names)} {word}" for word, names in done.items() if names)
        show(f"{language.language}: {counted or 'nothing'}; in {language.folder}")
        for name, why in language.missing.items():
            show(f"    missing: {name}: {why}")
    return 0 if not any(language.missing for language in built) else 1
