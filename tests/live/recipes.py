"""The files of docs/arrivals.md, as an administrator copies them from the page and adapts what is his own."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/arrivals.md"
_FILE = re.compile(r"^```(?:xml|lua)\n(?:<!--|--) (\S+?)(?: -->)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What differs from one installation to the next: here each call names its own domain and mobile.
_OWN = {
    'data="domain_name=$${domain}"': 'data="domain_name=${sip_req_host}"',
    "sofia/gateway/trunk/5145550100": "${sip_h_X-Mobile}",
    "[leg_timeout=20]": "[leg_timeout=4]",
}


def recipes() -> dict[str, str]:
    """Each file's text, by its path below FreeSWITCH's folders."""
    files = dict(_FILE.findall(PAGE.read_text()))
    page = "".join(files.values())
    for usual, own in _OWN.items():
        assert usual in page, f"the page has changed: no {usual}"
        files = {path: text.replace(usual, own) for path, text in files.items()}
    return files


def tests_named() -> set[str]:
    """The tests that the page names."""
    return set(re.findall(r"`(test_\w+)`", PAGE.read_text())) - {"test_live_arrivals"}
