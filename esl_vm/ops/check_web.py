"""Doctor's look at the pages and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.settings_check import parse_address
from esl_vm.ops.checks import THIS_HOST, Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.settings import Settings


def check_web(settings: Settings) -> Iterator[Finding]:
    """Whether PINs and messages go through the network in clear."""
    web = settings.web
    if not web.listen:
        return
    host, _ = parse_address(web.listen)
    if host in THIS_HOST or web.url.startswith("https:"):
        yield Finding("web", Level.OK, f"the pages and the API are on {web.url or f'http://{web.listen}'}")
        return
    yield Finding(
        "web",
        Level.WARNING,
        f"PINs and messages go in clear to {web.listen}",
        "put a proxy with TLS in front of it (docs/web.md), and set web.url to its https:// address",
    )
