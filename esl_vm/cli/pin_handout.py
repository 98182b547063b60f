"""Random PINs, and how each is given to its owner, once: on the terminal, in a file, or by mail."""

from __future__ import annotations

import csv
import io
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.cli.files import write_new
from esl_vm.cli.output import complain, show
from esl_vm.model.errors import InvalidValueError, VoicemailError
from esl_vm.model.visible import csv_cell

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

    from esl_vm.model.mailbox import MailboxId
    from esl_vm.model.settings import Settings

_COLUMNS = ("mailbox", "name", "email", "pin")


def handout_options(parser: argparse.ArgumentParser, *, many: bool) -> None:
    """Where random PINs go; without any of these to the terminal."""
    plural = "s" if many else ""
    parser.add_argument(f"--mail-pin{plural}", action="store_true", dest="mail_pins", help="mail it to its owner")
    if many:
        parser.add_argument("--pins-to", metavar="FILE", help="write them to this new CSV file, for your eyes only")


class PinHandout:
    """Gives out PINs, one by one as they are set.

    Args:
        settings: for the mail. file: the CSV they go to, None = none. mail: to their owners.
    """

    def __init__(self, settings: Settings, file: Path | None, *, mail: bool) -> None:
        self._file = file
        self._write: Callable[[MailboxId, Mapping[str, str], str], str] | None = None
        if mail:
            from esl_vm.service.notifier import build_pin_writer

            self._write = build_pin_writer(settings)
        if file is not None:
            write_new(file, _line(_COLUMNS).encode())

    def check(self, box: MailboxId, fields: Mapping[str, str]) -> None:
        """Whether it can be given to this owner; raises InvalidValueError where it is to be mailed and there is no address."""
        from esl_vm.notify.mail_templates import addresses

        if self._write and not addresses(fields.get("email", ""))[0]:
            raise InvalidValueError(f"{box} has no e-mail address to which its PIN could be mailed")

    def give(self, box: MailboxId, fields: Mapping[str, str], pin: str) -> None:
        """Give out one; where its mail can't be sent it is shown on the terminal, so that it is not lost."""
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(_line((str(box), fields.get("name", ""), fields.get("email", ""), pin)))
                file.flush()
                os.fsync(file.fileno())
        failed = ""
        if self._write is not None:
            try:
                failed = self._write(box, fields, pin)
            except VoicemailError as wrong:
                failed = str(wrong)
            if failed:
                complain(f"{box}: the mail with its PIN was not sent: {failed}")
        if failed or (self._file is None and self._write is None):
            show(f"{box}: its PIN is {pin} (shown only now)")


@contextmanager
def handing_out(args: argparse.Namespace, settings: Settings) -> Iterator[PinHandout]:
    """A handout as the command line asks for it; a file that got no PIN is removed again.

    Raises:
        InvalidValueError: the file is there already. SettingsError: no mail can be sent.
    """
    file = Path(args.pins_to) if getattr(args, "pins_to", None) else None
    handout = PinHandout(settings, file, mail=args.mail_pins)
    try:
        yield handout
    finally:
        if file is not None and file.read_text("utf-8") == _line(_COLUMNS):
            file.unlink()


def _line(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(map(csv_cell, cells))
    return line.getvalue()
