"""`esl-vm mailbox copy`: a new mailbox like another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import box_argument, box_of, opened_mailbox
from esl_vm.cli.config import settings_of
from esl_vm.cli.mailbox_fields import field_options, fields_of, new_pin, pin_options, with_pin
from esl_vm.cli.output import complain, show
from esl_vm.cli.pin_handout import handing_out
from esl_vm.model.mailbox import MailboxId
from esl_vm.model.pins import DEFAULT_PIN

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands


def add_commands(group: Commands) -> None:
    """`mailbox copy`, in the group of `mailbox`."""
    like = group.add(
        "copy",
        "add a mailbox like another: profile, options, greetings",
        _copy,
        description="Add a mailbox with another's profile, options and greetings: not its messages, lamps or PIN. FIELD=VALUE "
        "changes what is to be different.",
        examples="esl-vm mailbox copy 1001 1005 --name 'Eve Roy' email=eve@example.com",
    )
    box_argument(like)
    like.add_argument("new", metavar="NEW", help="without a domain the other's")
    field_options(like)
    pin_options(like)


def _copy(args: argparse.Namespace) -> int:
    from esl_vm.actions.mailbox_changes import copy_mailbox

    source = box_of(args, settings_of(args))
    box = MailboxId.parse(args.new, source.domain)
    fields = fields_of(args)
    pin, is_default = new_pin(args, f"PIN for {box} (Enter for the default {DEFAULT_PIN})", box)
    with opened_mailbox(args) as (node, mailbox), handing_out(args, node.settings) as handout:
        facts = {"name": mailbox.name, "email": mailbox.email, "language": mailbox.language, **fields}
        if args.random_pin:
            handout.check(box, facts)
        for greeting in copy_mailbox(node.target, mailbox, box, fields, pin, node.clock.now()):
            complain(f"the {greeting} greeting was left out: its sound is gone")
        show(f"added {box} like {mailbox.id} {with_pin(pin, is_default=is_default, is_random=args.random_pin)}")
        if args.random_pin:
            handout.give(box, facts, pin)
    return 0
