"""The administrator's pages of the service itself: what waits to be sent or delivered, or was given up."""

from __future__ import annotations

from esl_vm.model.masking import mask_urls
from esl_vm.model.rights import Right
from esl_vm.web import service
from esl_vm.web.admin_pages import admin_page, admin_url
from esl_vm.web.pages import form, see_other
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Request, Response, page

_SHOWN = 100
_ACTIONS = {
    "job-retry-all": service.retry_all,
    "job-retry": service.retry_job,
    "job-drop": service.drop_job,
    "take-settle": service.settle_recording,
    "take-discard": service.discard_recording,
}
"""Each has words for what was done."""


@page("GET", "/admin/queues", Right.SERVICE_READ, "What waits to be sent, or was given up")
def show_queues(request: Request) -> Response:
    """What was given up first, each with why."""
    jobs, held = service.jobs_in(request), service.list_recordings(request).recordings
    return admin_page(
        request, "admin_queues.html", "queues", jobs=jobs[:_SHOWN], more=len(jobs) > _SHOWN, held=held[:_SHOWN],
        now=request.deps.clock.now(), mask=mask_urls,
    )  # fmt: skip


@page("POST", "/admin/queues", Right.SERVICE_MANAGE, "Try again what waits, or drop what was given up")
def change_queues(request: Request) -> Response:
    """One, or all of them."""
    given = form(request)
    request.path |= {"job": given["id"], "take": given["id"], "node": given["node"]}
    act = _ACTIONS.get(given["action"])
    if act is None:
        raise ProblemError("invalid", "There is no such action.")
    try:
        act(request)
    except ProblemError as problem:
        if problem.kind != "not-found":
            raise
        return see_other(admin_url("queues", done="gone"))
    return see_other(admin_url("queues", done=given["action"]))


@page("POST", "/admin/look", Right.SERVICE_MANAGE, "Have all nodes look for what needs attention")
def look_again(request: Request) -> Response:
    """What they find is on the page some seconds later."""
    service.look_again(request)
    return see_other(admin_url(done="looking"))
