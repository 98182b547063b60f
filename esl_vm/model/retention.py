"""How long messages are kept, folder by folder: one option, a line of text such as `new=90; old=30; work=0`.

Days after a message came into the mailbox (what its list shows), wherever it was moved since; 0 = it is kept. What is not named there
goes by `retention_days`; the trash by `trash_days`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_DAYS = 36500
# As `mailbox.Folder` has them, which builds on the options that this is one of.
_FOLDERS = ("new", "old", "work", "family", "friends", "cust1", "cust2", "cust3", "cust4", "cust5")


@lru_cache(maxsize=1024)
def parse_retention(text: str) -> Mapping[str, int]:
    """Days by folder; raises InvalidValueError, with what is wrong."""
    days: dict[str, int] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        written, _, many = (word.strip() for word in part.partition("="))
        folder = written.lower()
        if folder == "trash":
            raise InvalidValueError("how long the trash is kept is trash_days")
        if folder not in _FOLDERS or not re.fullmatch("[0-9]{1,5}", many) or int(many) > MOST_DAYS:
            raise InvalidValueError(f"retention_folders is FOLDER=DAYS with ; between, as new=90; old=30, not {part!r}")
        if folder in days:
            raise InvalidValueError(f"the folder {folder} stands there twice")
        days[folder] = int(many)
    return days


def retention_text(days: Mapping[str, int]) -> str:
    """As it is stored."""
    return "; ".join(f"{folder}={days[folder]}" for folder in _FOLDERS if folder in days)
