"""A mailbox's options, written as an administrator writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.options import MailboxOptions, option_name, parse_option

if TYPE_CHECKING:
    from collections.abc import Mapping


def options_of(texts: Mapping[str, str]) -> MailboxOptions:
    return MailboxOptions(**{option_name(name): parse_option(option_name(name), text) for name, text in texts.items()})
