"""The API is as it describes itself: a valid OpenAPI 3.1, and no request made from it gets an answer that it does not tell."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from support.waiting import PATIENCE_S

from esl_vm.web.factory import document
from esl_vm.web.problems import TYPES

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

EXAMPLES = int(os.environ.get("ESL_VM_FUZZ", "3"))
"""Requests for each operation; `make chaos` asks for more."""
FUZZED = settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None,
    derandomize=EXAMPLES < 10,
)  # fmt: skip
SCHEMA = schemathesis.openapi.from_dict(document())
STREAMS = {"/api/v1/events", "/api/v1/mailboxes/{mailbox}/events"}


def test_it_is_openapi():
    from openapi_spec_validator import validate

    validate(document())


def test_it_says_what_each_problem_means_and_where(house):
    page = house.served.browser().get("/api/problems").body.decode()
    for kind in TYPES:
        assert f'id="{kind}"' in page
    api = house.served.browser().get("/api/").body.decode()
    for operations in document()["paths"].values():
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in api
    assert house.served.browser().get("/api/openapi.json").json == document()


@pytest.fixture(scope="module")
def fuzzed(served):
    from support.web_house import House

    house = House(served)
    box = house.box("1001")
    house.message(box)
    return house, house.token("*", everywhere=True), house.owner(box)


@SCHEMA.include(path_regex=r"^/api/v1/(?!.*events$)").parametrize()
@FUZZED
def test_no_request_made_from_it_is_answered_otherwise(case, fuzzed):
    house, portal, _ = fuzzed
    if "mailbox" in (case.path_parameters or {}) and len(case.path_parameters["mailbox"]) % 2:
        case.path_parameters["mailbox"] = f"1001@{house.domain}"
    bearer = {"Authorization": f"Bearer {portal.token}"}
    answer = case.call(base_url=house.served.url, headers=bearer, timeout=PATIENCE_S)
    assert answer.status_code < 500, answer.text
    case.validate_response(
        answer,
        checks=[checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance],
    )
