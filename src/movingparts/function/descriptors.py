"""What other platforms want to read, to run a function: made from its own config."""

from __future__ import annotations

import math
import re
from typing import Any

from movingparts.function.contract import Code, FunctionError
from movingparts.function.queue import Retry
from movingparts.function.simulated import FULL_CPU_MB
from movingparts.function.triggers import Every, Subject, Trigger

Descriptor = dict[str, Any]

RUNTIME = "python3.13"  # whose handlers AWS Lambda runs
NO_SUBJECT = "{platform} can't subscribe {name} to {subject}: it knows no NATS"


def sam_template(
    code: Code,
    *,
    path: str = "",
    triggers: tuple[Trigger, ...] = (),
    retry: Retry | None = None,
) -> Descriptor:
    """Return an AWS SAM template: what AWS Lambda needs to run this function.

    `path` has it answer POST requests. Secrets are references, which AWS resolves as
    it deploys. Raises `FunctionError` for what Lambda can't do.

    Source: AWS, "AWS::Serverless::Function". Leaves out: `keep_warm`, which Lambda
    decides for itself, and who may do what.
    """
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": code.name,
            "Runtime": RUNTIME,
            "Handler": "index.handler",
            "InlineCode": code.source,
            "AutoPublishAlias": "live",
            **limits(code),
            "Environment": {"Variables": variables(code)},
            "EventInvokeConfig": retries(code, retry or Retry()),
            "Events": events(code, path, triggers),
        },
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {re.sub(r"[\W_]", "", code.name.title()): function},
    }


def limits(code: Code) -> Descriptor:
    """Return a function's memory, time and instances, as AWS names them."""
    config = code.config
    if config.concurrency > 1:
        raise FunctionError(f"AWS Lambda gives {code.name} one request at a time")
    found = {"MemorySize": config.memory_mb, "Timeout": math.ceil(config.timeout)}
    if config.reserved is not None:
        found["ReservedConcurrentExecutions"] = config.reserved
    count = {"ProvisionedConcurrentExecutions": config.provisioned}
    return found | (
        {"ProvisionedConcurrencyConfig": count} if config.provisioned else {}
    )


def variables(code: Code) -> dict[str, str]:
    """Return a function's environment, with secrets as references."""
    config = code.config
    secrets = {
        name: f"{{{{resolve:secretsmanager:{name}}}}}" for name in config.secrets
    }
    return {**config.environment, **secrets}


def events(code: Code, path: str, triggers: tuple[Trigger, ...]) -> Descriptor:
    """Return what runs the function: schedules, and requests to a path."""
    found = {f"Every{n}": schedule(code, one) for n, one in enumerate(triggers, 1)}
    if path:
        http = {"Path": path, "Method": "post"}
        found["Http"] = {"Type": "HttpApi", "Properties": http}
    return found


def to_yaml(descriptor: Descriptor) -> str:
    """Return a descriptor as YAML, with a source's lines as lines."""
    import yaml  # a browser tab has none

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML is untyped
        pass

    def text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)

    Dumper.add_representer(str, text)
    written: str = yaml.dump(descriptor, Dumper=Dumper, sort_keys=False)
    return written


def retries(code: Code, retry: Retry) -> Descriptor:
    """Return how AWS Lambda retries, in its own terms: at most twice, for six hours."""
    if retry.retries > 2 or not 60 <= retry.max_age <= 21_600:
        raise FunctionError(
            f"AWS Lambda retries {code.name} twice at most, for 60 to 21600 seconds"
        )
    return {
        "MaximumRetryAttempts": retry.retries,
        "MaximumEventAgeInSeconds": math.ceil(retry.max_age),
        "DestinationConfig": {"OnFailure": {"Type": "SQS"}},
    }


def schedule(code: Code, trigger: Trigger) -> Descriptor:
    """Return a schedule as AWS writes it: in whole minutes."""
    if not isinstance(trigger, Every):
        raise refusal("AWS Lambda", code, trigger)
    minutes = whole_minutes(trigger)
    rate = f"rate({minutes} minute{'s' if minutes > 1 else ''})"
    return {"Type": "Schedule", "Properties": {"Schedule": rate}}


def whole_minutes(trigger: Every) -> int:
    """Return a period in minutes; a schedule elsewhere has no seconds."""
    minutes, rest = divmod(trigger.seconds, 60)
    if rest or not minutes:
        raise FunctionError(
            f"a schedule is in whole minutes there, not {trigger.seconds:g} seconds"
        )
    return int(minutes)


def refusal(platform: str, code: Code, trigger: Trigger) -> FunctionError:
    """Return the error for a trigger that a platform hasn't."""
    subject = trigger.subject if isinstance(trigger, Subject) else repr(trigger)
    return FunctionError(
        NO_SUBJECT.format(platform=platform, name=code.name, subject=subject)
    )


def knative_service(code: Code, image: str) -> Descriptor:
    """Return a Knative Service: what a Kubernetes cluster needs to run this function.

    `image` is a container that answers HTTP and has the source. Secrets are references
    to the cluster's secret of the function's name.

    Source: Knative Serving, "Service", "Autoscaling". Leaves out: how the image is
    built; asynchronous invocations, which are Knative Eventing's.
    """
    config = code.config
    cpu = round(1000 * config.memory_mb / FULL_CPU_MB)
    most = {"memory": f"{config.memory_mb}Mi", "cpu": f"{cpu}m"}
    plain = [{"name": name, "value": v} for name, v in config.environment.items()]
    secret = [{"name": name, "valueFrom": key(code, name)} for name in config.secrets]
    container = {"image": image, "env": plain + secret, "resources": {"limits": most}}
    spec = {
        "containerConcurrency": config.concurrency,
        "timeoutSeconds": math.ceil(config.timeout),
        "containers": [container],
    }
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": code.name},
        "spec": {"template": {"metadata": {"annotations": scale(code)}, "spec": spec}},
    }


def scale(code: Code) -> dict[str, str]:
    """Return how many instances there are, and for how long, as Knative writes it."""
    config = code.config
    found = {
        "min-scale": str(config.provisioned),
        "scale-to-zero-pod-retention-period": f"{config.keep_warm:g}s",
    }
    if config.reserved is not None:
        found["max-scale"] = str(config.reserved)
    return {f"autoscaling.knative.dev/{name}": value for name, value in found.items()}


def key(code: Code, name: str) -> Descriptor:
    """Return a reference to one key of the function's secret."""
    return {"secretKeyRef": {"name": code.name, "key": name}}


def ping_source(code: Code, trigger: Every) -> Descriptor:
    """Return a Knative PingSource: the schedule that posts events to the service.

    Source: Knative Eventing, "PingSource". Leaves out: periods that don't divide an
    hour, or a day, evenly.
    """
    minutes = whole_minutes(trigger)
    cron = f"*/{minutes} * * * *" if minutes < 60 else f"0 */{minutes // 60} * * *"
    service = {"apiVersion": "serving.knative.dev/v1", "kind": "Service"}
    return {
        "apiVersion": "sources.knative.dev/v1",
        "kind": "PingSource",
        "metadata": {"name": code.name},
        "spec": {"schedule": cron, "sink": {"ref": {**service, "name": code.name}}},
    }
