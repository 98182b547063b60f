"""The administrator's pages of the service itself: what waits to be sent, or was given up."""

from __future__ import annotations

from esl_vm.model.masking import mask_urls
from esl_vm.model.rights import Right
from esl_vm.web import service
from esl_vm.web.admin import admin_address, admin_page
from esl_vm.web.pages import form, see_other
from esl_vm.web.problems import ProblemError
from esl_vm.web.routes import Answer, Ask, page

_SHOWN = 100
_ACTIONS = {"retry-all": service.retry_all, "retry": service.retry_job, "drop": service.drop_job}


@page("GET", "/admin/queues", Right.SERVICE_READ, "What waits to be sent, or was given up")
def show_queues(ask: Ask) -> Answer:
    """What was given up first, each with why."""
    jobs = service.jobs_in(ask)
    return admin_page(ask, "admin_queues.html", "queues", jobs=jobs[:_SHOWN], more=len(jobs) > _SHOWN, mask=mask_urls)


@page("POST", "/admin/queues", Right.SERVICE_MANAGE, "Try again what waits, or drop what was given up")
def change_queues(ask: Ask) -> Answer:
    """One, or all of them."""
    given = form(ask)
    ask.path["job"] = given.get("id", "")
    act = _ACTIONS.get(given.get("action", ""))
    if act is None:
        raise ProblemError("invalid", "There is no such action.")
    try:
        act(ask)
    except ProblemError as problem:
        if problem.kind != "not-found":
            raise
        return see_other(admin_address("queues", done="job-gone"))
    return see_other(admin_address("queues", done=f"job-{given['action']}"))
