"""`esl-vm mail`: mails, webhook calls and transcripts that are still to be done, or were given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from esl_vm.cli.boxes import opened_node
from esl_vm.cli.output import complain, minute, plain, print_list, show
from esl_vm.cli.parsers import dry_run_option, json_option
from esl_vm.model.errors import InvalidValueError
from esl_vm.model.jobs import JobState
from esl_vm.model.masking import mask_urls
from esl_vm.model.times import iso_time

if TYPE_CHECKING:
    import argparse

    from esl_vm.cli.parsers import Commands
    from esl_vm.ops.node import Node


def add_commands(commands: Commands) -> None:
    """`mail …`."""
    group = commands.group("mail", "look after mails, webhook calls and transcripts that were not accepted or made yet")
    listing = group.add(
        "list",
        "list what waits to be sent, and what was given up",
        _list,
        examples="esl-vm mail list\nesl-vm mail list --dead --json",
    )
    listing.add_argument("--dead", action="store_true", help="only what was given up")
    json_option(listing)
    retry = group.add(
        "retry",
        "try again now what waits or was given up",
        _retry,
        examples="esl-vm mail retry ID\nesl-vm mail retry --all",
    )
    _job_arguments(retry, "everything that waits or was given up")
    forget = group.add(
        "forget",
        "drop unsent what was given up",
        _forget,
        examples="esl-vm mail forget ID\nesl-vm mail forget --all --dry-run",
    )
    _job_arguments(forget, "everything that was given up")
    group.add(
        "revoke-links",
        "links in mails sent so far open nothing any more",
        _revoke_links,
        description="Mails that were sent have links that open their messages in a browser (web.link_days). From now on none "
        "of them opens anything; mails sent from now on have new ones.",
        examples="esl-vm mail revoke-links",
    )


def _revoke_links(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        keys = node.store.links.revoke()
    show("links in mails sent so far open nothing any more" if keys else "no mail sent so far has a link that opens")
    return 0


def _job_arguments(parser: argparse.ArgumentParser, every: str) -> None:
    parser.add_argument("ids", nargs="*", default=[], metavar="ID", help="as `mail list` shows it")
    parser.add_argument("--all", action="store_true", help=every)
    dry_run_option(parser)


def _list(args: argparse.Namespace) -> int:
    from esl_vm.web.views import job_view

    states = [JobState.DEAD] if args.dead else [JobState.WAITING, JobState.DEAD]
    with opened_node(args) as node:
        zone = node.settings.service.timezone
        jobs = [job for state in states for job in node.outbox.jobs(state)]
    print_list(
        args.json,
        jobs,
        lambda job: plain(job_view(job, zone)) | {"due": iso_time(job.due, zone)},
        ("id", "kind", "mailbox", "state", "since", "tried", "why"),
        lambda job: (
            job.id,
            str(job.kind),
            str(job.box),
            str(job.state),
            minute(job.created, zone),
            str(job.attempts),
            mask_urls(job.error) or ("" if job.attempts else "not tried yet"),
        ),
        "nothing waits to be sent" if not args.dead else "nothing was given up",
    )
    return 0


def _chosen(args: argparse.Namespace, node: Node, *states: JobState) -> list[str]:
    """The jobs that are named, or all in those states."""
    if bool(args.ids) == args.all:
        raise InvalidValueError("give ids, or --all")
    return args.ids or [job.id for state in states for job in node.outbox.jobs(state)]


def _retry(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        ids = _chosen(args, node, JobState.WAITING, JobState.DEAD)
        if args.dry_run:
            return _would("try again", ids)
        missing = [job_id for job_id in ids if not node.outbox.retry(job_id, node.clock.now())]
    if args.all:
        missing = []  # what is not there any more was sent meanwhile
    return _told(ids, missing, "tried again now")


def _forget(args: argparse.Namespace) -> int:
    with opened_node(args) as node:
        ids = _chosen(args, node, JobState.DEAD)
        if args.dry_run:
            return _would("drop", ids)
        missing = [job_id for job_id in ids if not node.outbox.forget(job_id)]
    return _told(ids, missing, "dropped")


def _would(do: str, ids: list[str]) -> int:
    show(f"would {do} {len(ids)}: {' '.join(ids[:20])}{' …' if len(ids) > 20 else ''}".rstrip(": "))
    return 0


def _told(ids: list[str], missing: list[str], what: str) -> int:
    for job_id in missing:
        complain(f"{job_id}: there is no such job")
    show(f"{what}: {len(ids) - len(missing)}")
    return 1 if missing else 0
