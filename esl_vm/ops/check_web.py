"""Doctor's look at the pages and the API, and at whom one signs in through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.model.errors import ProviderAwayError, SettingsError
from esl_vm.model.findings import Finding, Level
from esl_vm.model.settings_check import parse_address
from esl_vm.ops.checks import THIS_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from esl_vm.model.settings import Settings


def check_web(settings: Settings) -> Iterator[Finding]:
    """Whether PINs and messages go through the network in clear, and the provider answers."""
    web = settings.web
    if settings.oidc.issuer:
        yield from _check_provider(settings)
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


def _check_provider(settings: Settings) -> Iterator[Finding]:
    """Whether it answers as the issuer that the settings name, and sends people back by TLS."""
    from esl_vm.oidc.provider import Provider
    from esl_vm.store.clock import SharedClock

    issuer, url = settings.oidc.issuer, settings.web.url
    try:
        Provider(settings.oidc, SharedClock()).metadata()
    except SettingsError:
        yield Finding("oidc", Level.ERROR, "what signing in takes is not installed", "pip install 'esl-vm[oidc]'")
        return
    except ProviderAwayError as away:
        yield Finding(
            "oidc",
            Level.ERROR,
            f"nobody can sign in through {issuer}: {away}",
            "have the provider answer, or set `oidc.issuer` as its `/.well-known/openid-configuration` has it",
        )
    else:
        yield Finding("oidc", Level.OK, f"people sign in through {issuer}")
    if not url.startswith("https:"):
        yield Finding(
            "oidc",
            Level.WARNING,
            f"the provider sends people back to {url or 'whatever address they came by'}, without TLS",
            "set web.url to an https:// address, and register it with /sign-in/oidc/return after it at the provider",
        )
