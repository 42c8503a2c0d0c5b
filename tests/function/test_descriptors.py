"""Descriptors: what other platforms would take, by their own rules, and what not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from movingparts.function.contract import Code, Config, FunctionError
from movingparts.function.descriptors import (
    Descriptor,
    knative_service,
    ping_source,
    sam_template,
    to_yaml,
)
from movingparts.function.queue import Retry
from movingparts.function.triggers import Every, Subject
from tests.function.validating import knative_problems, sam_problems

SOURCE = "def handler(event, context):\n    return event\n"


def code(name: str = "fares", **config: Any) -> Code:
    """A version whose secret has a value, which no descriptor may show."""
    wanted = Config(**config)
    values = {**wanted.environment, **dict.fromkeys(wanted.secrets, "hunter2")}
    return Code(name, 1, SOURCE, wanted, values)


FULL = code(
    memory_mb=512,
    timeout=2.5,
    keep_warm=600.0,
    reserved=5,
    provisioned=2,
    environment={"PLAN": "day"},
    secrets=("BANK_KEY",),
)


def properties(template: Descriptor) -> dict[str, Any]:
    (function,) = template["Resources"].values()
    found: dict[str, Any] = function["Properties"]
    return found


def revision(service: Descriptor) -> dict[str, Any]:
    found: dict[str, Any] = service["spec"]["template"]
    return found


def together(*templates: Descriptor) -> Descriptor:
    """One template with the functions of all, since the linter takes a while."""
    functions = {}
    for number, template in enumerate(templates):
        (functions[f"Function{number}"],) = template["Resources"].values()
    return {**templates[0], "Resources": functions}


@pytest.mark.slow
def test_the_linter_of_aws_finds_nothing_wrong_with_a_template() -> None:
    everything = sam_template(FULL, path="/fares", triggers=(Every(300),))
    assert [] == sam_problems(together(everything, sam_template(code("receipts"))))


def test_the_schema_of_knative_finds_nothing_wrong_with_a_service() -> None:
    for version in (code(), FULL):
        assert [] == knative_problems(knative_service(version, "registry.example/f:1"))


@pytest.mark.slow
def test_the_linter_of_aws_finds_wrong_properties() -> None:
    templates = []
    for name, value in (
        ("MemorySize", 64),
        ("MemorySzie", 512),
        ("MemorySize", "lots"),
        ("Runtime", "python3.6"),
    ):
        templates.append(sam_template(code(f"fares-{len(templates)}")))
        properties(templates[-1])[name] = value
    dead, misspelled, text, small = sorted(sam_problems(together(*templates)))
    assert "E2533 Runtime 'python3.6' was deprecated" in dead
    assert "Did you mean 'MemorySize'?" in misspelled
    assert "E3012 'lots' is not of type 'integer'" == text
    assert "E3034 64 is less than the minimum of 128" == small


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("timeoutSeconds", "soon", "spec.template.spec.timeoutSeconds: "),
        ("timeoutSecond", 3, "spec.template.spec.timeoutSecond is not a field"),
        ("containers", [{"imgae": "x"}], "spec.template.spec.containers[0].imgae is"),
    ],
)
def test_the_schema_of_knative_finds_a_wrong_field(
    name: str, value: Any, problem: str
) -> None:
    service = knative_service(code(), "registry.example/fares:1")
    revision(service)["spec"][name] = value
    (found,) = knative_problems(service)
    assert problem in found


def test_a_template_has_what_was_deployed() -> None:
    template = sam_template(FULL, path="/fares", triggers=(Every(60), Every(300)))
    found = properties(template)
    assert ["Fares"] == list(template["Resources"])
    assert {
        "FunctionName": "fares",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "InlineCode": SOURCE,
        "MemorySize": 512,
        "Timeout": 3,  # a whole number of seconds, and not less than asked for
        "AutoPublishAlias": "live",
        "Environment": {
            "Variables": {
                "PLAN": "day",
                "BANK_KEY": "{{resolve:secretsmanager:BANK_KEY}}",
            }
        },
        "EventInvokeConfig": {
            "MaximumRetryAttempts": 2,
            "MaximumEventAgeInSeconds": 21_600,
            "DestinationConfig": {"OnFailure": {"Type": "SQS"}},
        },
        "Events": {
            "Every1": {
                "Type": "Schedule",
                "Properties": {"Schedule": "rate(1 minute)"},
            },
            "Every2": {
                "Type": "Schedule",
                "Properties": {"Schedule": "rate(5 minutes)"},
            },
            "Http": {
                "Type": "HttpApi",
                "Properties": {"Path": "/fares", "Method": "post"},
            },
        },
        "ReservedConcurrentExecutions": 5,
        "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2},
    } == found


def test_a_service_has_what_was_deployed() -> None:
    found = revision(knative_service(FULL, "registry.example/fares:1"))
    assert {
        "autoscaling.knative.dev/min-scale": "2",
        "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "600s",
        "autoscaling.knative.dev/max-scale": "5",
    } == found["metadata"]["annotations"]
    assert {
        "containerConcurrency": 1,
        "timeoutSeconds": 3,
        "containers": [
            {
                "image": "registry.example/fares:1",
                "env": [
                    {"name": "PLAN", "value": "day"},
                    {
                        "name": "BANK_KEY",
                        "valueFrom": {
                            "secretKeyRef": {"name": "fares", "key": "BANK_KEY"}
                        },
                    },
                ],
                "resources": {"limits": {"memory": "512Mi", "cpu": "289m"}},
            }
        ],
    } == found["spec"]


def test_no_descriptor_shows_a_secret() -> None:
    template, service = sam_template(FULL), knative_service(FULL, "image")
    assert "hunter2" not in f"{template} {service}"


def test_yaml_says_the_same_and_keeps_the_lines_of_a_source() -> None:
    template = sam_template(FULL)
    written = to_yaml(template)
    assert template == yaml.safe_load(written)
    assert "InlineCode: |\n        def handler(event, context):\n" in written


@pytest.mark.parametrize(
    ("minutes", "cron"),
    [(1, "*/1 * * * *"), (15, "*/15 * * * *"), (120, "0 */2 * * *")],
)
def test_a_schedule_posts_to_the_service(minutes: int, cron: str) -> None:
    spec = ping_source(code(), Every(60.0 * minutes))["spec"]
    assert cron == spec["schedule"]
    assert {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "name": "fares",
    } == spec["sink"]["ref"]


@pytest.mark.parametrize("seconds", [30, 90])
def test_a_schedule_elsewhere_is_in_whole_minutes(seconds: float) -> None:
    for make in (
        lambda: sam_template(code(), triggers=(Every(seconds),)),
        lambda: ping_source(code(), Every(seconds)),
    ):
        with pytest.raises(FunctionError, match=f"whole minutes there, not {seconds}"):
            make()


def test_aws_cannot_subscribe_to_a_subject_of_nats() -> None:
    with pytest.raises(FunctionError, match=r"can't subscribe fares to rides\.ended"):
        sam_template(code(), triggers=(Subject("rides.ended"),))


def test_aws_takes_one_request_at_a_time() -> None:
    with pytest.raises(FunctionError, match="one request at a time"):
        sam_template(code(concurrency=2))


@pytest.mark.parametrize("retry", [Retry(retries=3), Retry(max_age=30.0)])
def test_aws_retries_twice_at_most_and_for_a_minute_at_least(retry: Retry) -> None:
    with pytest.raises(FunctionError, match="twice at most"):
        sam_template(code(), retry=retry)


def test_a_name_becomes_an_identifier_of_aws() -> None:
    assert ["NightReceipts2"] == list(
        sam_template(code("night-receipts_2"))["Resources"]
    )
