"""Texts whose encoding nobody tells: what other systems and telephones send."""

from __future__ import annotations


def decode_text(data: bytes) -> str:
    """A text as UTF-8; if it isn't, as Windows-1252 or Latin-1; a letter that was cut off in UTF-8 is left out.

    Other systems keep a caller's name in whatever bytes came, cut at a number of bytes.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    lenient = data.decode("utf-8", "surrogateescape")
    broken = sum(0xDC80 <= ord(letter) <= 0xDCFF for letter in lenient)
    whole = sum(ord(letter) > 0x7F for letter in lenient) - broken
    if whole and broken <= 3:
        return data.decode("utf-8", "ignore")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
