"""Our dialplan files in FreeSWITCH's configuration, and the extensions there that come before ours."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.ops.check_dialplan import Extension, as_said, conflicts, extension_of
from esl_vm.setup.markup import BrokenFileError, Element, parse, replaced, whole_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from esl_vm.setup.folder import ConfFolder

MAIN = "dialplan/default.xml"
FOLDER = "dialplan/default"
ASIDE = "dialplan/esl-vm-aside"
SETTINGS = "40_voicemail_settings.xml"
ALSO = "43_voicemail_also.xml"
_SHIPPED_NUMBERS = r"1\d{3}"
_SHARED = "share/esl-vm/dialplan"


@dataclass(frozen=True, slots=True)
class Adapted:
    """What our files say on this node.

    Args:
        service: where calls are taken, HOST:PORT. domain: of the mailboxes, `` where each call says its own.
        prompts: the folder of the apology's sounds. language: its language.
        numbers: the extensions, as an expression.
    """

    service: str
    domain: str = "default"
    prompts: str = ""
    language: str = "fr"
    numbers: str = _SHIPPED_NUMBERS


@dataclass(frozen=True, slots=True)
class Aside:
    """An extension to be moved aside.

    Args:
        file: where it is. name: its name. takes: which numbers, as people say them. before: ours that takes them too.
    """

    file: str
    name: str
    takes: str
    before: str


@dataclass(frozen=True, slots=True)
class DialplanChange:
    """Files as they are to be, by name, and what is to be known of them.

    Args:
        files: ours that are not there. moved: those that extensions are taken out of, and where these go.
        aside: the extensions. also: numbers that the extensions moved aside took too, and that lead to *98 now.
        notes: what is left as it is.
    """

    files: dict[str, str]
    moved: dict[str, str]
    aside: tuple[Aside, ...]
    also: tuple[str, ...]
    notes: tuple[str, ...]


def shipped() -> dict[str, str]:
    """Our dialplan files by name, as they were installed; raises InvalidValueError where they were not."""
    places = [Path(__file__).parents[2] / "dialplan", Path(sys.prefix) / _SHARED, Path("/usr") / _SHARED]
    for folder in places:
        if (folder / SETTINGS).is_file():
            return {file.name: file.read_text("utf-8") for file in sorted(folder.glob("4*.xml"))}
    raise InvalidValueError(f"the dialplan files are missing (looked in {', '.join(map(str, places))})")


def expression_of(numbers: Iterable[str]) -> str:
    """An expression for extensions of these numbers: by their first digit and length; the shipped one where it does."""
    kinds = sorted({(number[0], len(number)) for number in numbers if re.fullmatch(r"[0-9]{2,15}", number)})
    if not kinds or kinds == [("1", 4)]:
        return _SHIPPED_NUMBERS
    return "|".join(rf"{first}\d{{{length - 1}}}" for first, length in kinds)


def adapted(files: Mapping[str, str], node: Adapted) -> dict[str, str]:
    """The files as this node needs them."""
    numbers = node.numbers if "|" not in node.numbers else f"(?:{node.numbers})"
    said = {
        "vm_services=127.0.0.1:8084": f"vm_services={node.service}",
        "vm_domain=default": f"vm_domain={node.domain}",
        "vm_prompts=/usr/share/asterisk/sounds": f"vm_prompts={node.prompts or '/usr/share/asterisk/sounds'}",
        "vm_apology_language=fr": f"vm_apology_language={node.language}",
    }
    changed = {}
    for name, text in files.items():
        if name == SETTINGS:
            for usual, here in said.items():
                text = text.replace(f'data="{usual}"', f'data="{here}"')
        changed[name] = text.replace(_SHIPPED_NUMBERS, numbers)
    return changed


def changes(conf: ConfFolder, ours: Mapping[str, str], port: int, keep: Sequence[str] = ()) -> DialplanChange:
    """What has to become of the dialplan.

    Args:
        conf: the configuration.
        ours: our files, adapted.
        port: of our service.
        keep: names of extensions that stay where they are.

    Raises:
        BrokenFileError: a file is no XML. InvalidValueError: there is no place for ours.
    """
    texts = _texts(conf)
    files, notes = {}, []
    for name, wanted in ours.items():
        there = texts.get(f"{FOLDER}/{name}")
        if there is None:
            files[f"{FOLDER}/{name}"] = wanted
        elif there != wanted and name != SETTINGS:
            notes.append(f"{FOLDER}/{name} differs from ours and is left as it is")
    services = texts.get(f"{FOLDER}/{SETTINGS}", "")
    if services and f":{port}" not in services:
        notes.append(f"vm_services in {FOLDER}/{SETTINGS} does not name port {port}; it is left as it is")
    before = _found(texts | files)
    extensions = [_expanded(extension_of(element.tree()), port) for _, element in before]
    taken, aside, pieces, also = conflicts(extensions, port), [], dict[str, list[Element]](), list[str]()
    for place, (numbers, mine) in taken.items():
        file, element = before[place]
        if extensions[place].name in keep:
            notes.append(f"the extension {extensions[place].name} takes {as_said(numbers)} and stays, as you said")
            continue
        aside.append(Aside(file, extensions[place].name, as_said(numbers), mine.name))
        pieces.setdefault(file, []).append(element)
        if "*98" in numbers:
            also += _literals(extensions[place], numbers)
    moved = {}
    for file, elements in pieces.items():
        moved[file], text = _without(texts[file], elements)
        name = f"{ASIDE}/{Path(file).name}"
        earlier = conf.read(name)
        moved[name] = _aside_file(file, text, earlier.text if earlier else "")
    if also and f"{FOLDER}/{ALSO}" not in texts:
        files[f"{FOLDER}/{ALSO}"] = _also_file(also)
    return DialplanChange(files, moved, tuple(aside), tuple(also), tuple(notes))


def _texts(conf: ConfFolder) -> dict[str, str]:
    """The dialplan's files that matter, by name; raises as `changes`."""
    if not conf.place(FOLDER).is_dir():
        raise InvalidValueError(f"{conf.root / FOLDER} is not there: put our dialplan files where yours are included")
    main = conf.read(MAIN)
    if main is None:
        raise InvalidValueError(f"{conf.root / MAIN} is not there: put our dialplan files where yours are included")
    texts = {MAIN: main.text}
    for name in conf.names(FOLDER):
        there = conf.read(name)
        if there is not None:
            texts[name] = there.text
    return texts


def _found(texts: Mapping[str, str]) -> list[tuple[str, Element]]:
    """The extensions of the context in FreeSWITCH's order, each with its file; raises as `changes`."""
    context = next(
        (one for one in parse(texts[MAIN], MAIN).iter("context") if one.attributes.get("name") == "default"), None
    )
    if context is None:
        raise BrokenFileError(f"{MAIN} has no context default")
    found: list[tuple[str, Element]] = []
    included = False
    for child in context.children:
        if child.name == "extension":
            found.append((MAIN, child))
        elif child.name == "X-PRE-PROCESS" and child.attributes.get("data") == "default/*.xml":
            included = True
            for name in sorted(name for name in texts if name != MAIN):
                found += [(name, element) for element in parse(texts[name], name).iter("extension")]
    if not included:
        raise InvalidValueError(
            f"{MAIN} does not include default/*.xml: put our dialplan files where yours are included"
        )
    return found


def _expanded(extension: Extension, port: int) -> Extension:
    """As FreeSWITCH sees it: our services' variable names our port."""
    sockets = tuple(data.replace("$${vm_services}", f"127.0.0.1:{port}") for data in extension.sockets)
    return Extension(extension.name, extension.conditions, sockets, extension.to_mod_voicemail, extension.goes_on)


def _literals(extension: Extension, numbers: Sequence[str]) -> list[str]:
    """Plain numbers that an extension takes besides these."""
    words = [
        word.removeprefix("^").removesuffix("$")
        for condition in extension.conditions
        for word in condition.get("expression", "").removeprefix("^(").removesuffix(")$").split("|")
    ]
    return [word for word in words if re.fullmatch(r"[A-Za-z0-9]+", word) and word not in numbers]


def _without(text: str, elements: Sequence[Element]) -> tuple[str, str]:
    """A file without these extensions, and their text."""
    pieces, taken = [], []
    for element in elements:
        start, end = whole_lines(text, element.start, element.end)
        name = element.attributes.get("name", "?").replace("--", "- -")
        taken.append(text[start:end] if text[start:end].endswith("\n") else text[start:end] + "\n")
        indent = re.match(r"[ \t]*", text[start:])
        said = f'<!-- esl-vm setup moved the extension "{name}" to {ASIDE} -->'
        pieces.append((start, end, f"{indent[0] if indent else ''}{said}\n" if end - start > len(said) else said))
    return replaced(text, pieces), "".join(taken)


def _aside_file(file: str, text: str, before: str) -> str:
    if text in before:  # written by a run that came no further
        return before
    head = before.rstrip().removesuffix("</include>") if before.rstrip().endswith("</include>") else ""
    head = head or f"<!-- Taken out of {file} by esl-vm setup: FreeSWITCH does not read this file. -->\n<include>\n"
    return f"{head}{text}</include>\n"


def _also_file(numbers: Sequence[str]) -> str:
    return f"""<!-- By esl-vm setup: what the extension that had *98 took besides. -->
<include>
  <extension name="voicemail_also">
    <condition field="destination_number" expression="^(?:{"|".join(numbers)})$">
      <action application="transfer" data="*98 XML default"/>
    </condition>
  </extension>
</include>
"""
