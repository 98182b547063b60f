"""What `esl-vm doctor` and `esl-vm support-bundle` look at, and what they find."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from esl_vm.cli.settings_file import settings_path
from esl_vm.model.errors import VoicemailError
from esl_vm.model.findings import Finding, Level
from esl_vm.ops.agreement import SOUNDS_REMEDY, sounds_problem
from esl_vm.ops.checks import check_settings
from esl_vm.ops.examine import look_around, look_at_stores, look_at_switch
from esl_vm.ops.orphans import find_orphans
from esl_vm.ops.ownership import check_owners

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from esl_vm.model.settings import Settings
    from esl_vm.ops.node import Node

_WAIT_FREESWITCH_S = 3.0


@dataclass(frozen=True, slots=True)
class Repair:
    """What the operator said about orphans.

    Args:
        wanted: they are to be settled. most: so many at most; None: he did not say.
    """

    wanted: bool = False
    most: int | None = None


def examine(
    args: argparse.Namespace, settings: Settings, *, orphans: bool = False, repair: Repair | None = None
) -> list[Finding]:
    """Everything there is to look at.

    Args:
        args: names the settings file.
        settings: the effective ones.
        orphans: also compare every message with every sound.
        repair: whether what that finds is to be settled.
    """
    from esl_vm.service.wiring import open_node

    findings = list(check_settings(settings, settings_path(getattr(args, "config", ""), os.environ)))
    findings += check_owners(settings)
    try:
        with open_node(settings) as node:
            findings += _look_at(node, orphans=orphans, repair=repair or Repair())
    except VoicemailError as wrong:
        findings.append(
            Finding("redis", Level.ERROR, str(wrong), "correct it in the settings, or see the log that it names")
        )
    return [*findings, *look_around(settings)]


def _look_at(node: Node, *, orphans: bool, repair: Repair) -> Iterator[Finding]:
    found = list(look_at_stores(node))
    yield from found
    if orphans and any(finding.area == "redis" and finding.level is Level.OK for finding in found):
        yield from _orphans(node, repair)
    yield from _freeswitch(node)


def _freeswitch(node: Node) -> Iterator[Finding]:
    from esl_vm.service.notifier import build_switch

    switch = build_switch(node.settings)
    if switch is not None:
        switch.start()
        switch.wait_connected(_WAIT_FREESWITCH_S)
    try:
        yield from look_at_switch(node, switch)
    finally:
        if switch is not None:
            switch.close()


def _orphans(node: Node, repair: Repair) -> Iterator[Finding]:
    from esl_vm.ops.repair import refusal
    from esl_vm.ops.repair import repair as settle

    if sounds_problem(node):
        yield Finding("sounds", Level.ERROR, "not compared: see what is said of audio", SOUNDS_REMEDY)
        return
    orphans = find_orphans(node)
    if not orphans.lost and not orphans.unused:
        yield Finding("sounds", Level.OK, "every message and greeting has its sound, and every sound is one's")
        return
    refused = refusal(orphans, repair.most)
    if repair.wanted and not refused:
        done, journal = settle(node, orphans)
        for line in done:
            yield Finding("sounds", Level.WARNING, line, "done")
        yield Finding("sounds", Level.OK, f"the repair is undone with: esl-vm doctor --undo-repair {journal}")
    else:
        if refused:
            remedy = (
                f"correct audio.store and [audio]; if they are right: `esl-vm doctor --repair --most {orphans.many}`"
            )
            level = Level.ERROR if repair.wanted or orphans.most_are_gone else Level.WARNING
            yield Finding("sounds", level, f"not repaired: {refused}", remedy)
        for lost in orphans.lost:
            yield Finding("sounds", Level.ERROR, str(lost), "esl-vm doctor --repair")
        if orphans.unused:
            said = f"{len(orphans.unused)} sounds nothing points to: {', '.join(orphans.unused[:5])}"
            yield Finding("sounds", Level.WARNING, said, "esl-vm doctor --repair")
