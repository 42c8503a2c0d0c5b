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
    config = code.config
    if config.concurrency > 1:
        raise FunctionError(f"AWS Lambda gives {code.name} one request at a time")
    events = {f"Every{n}": schedule(code, one) for n, one in enumerate(triggers, 1)}
    if path:
        http = {"Path": path, "Method": "post"}
        events["Http"] = {"Type": "HttpApi", "Properties": http}
    secrets = {
        name: f"{{{{resolve:secretsmanager:{name}}}}}" for name in config.secrets
    }
    properties: Descriptor = {
        "FunctionName": code.name,
        "Runtime": RUNTIME,
        "Handler": "index.handler",
        "InlineCode": code.source,
        "MemorySize": config.memory_mb,
        "Timeout": math.ceil(config.timeout),
        "AutoPublishAlias": "live",
        "Environment": {"Variables": {**config.environment, **secrets}},
        "EventInvokeConfig": retries(code, retry or Retry()),
        "Events": events,
    }
    if config.reserved is not None:
        properties["ReservedConcurrentExecutions"] = config.reserved
    if config.provisioned:
        count = {"ProvisionedConcurrentExecutions": config.provisioned}
        properties["ProvisionedConcurrencyConfig"] = count
    function = {"Type": "AWS::Serverless::Function", "Properties": properties}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {re.sub(r"[\W_]", "", code.name.title()): function},
    }


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
    scale = {"min-scale": str(config.provisioned)}
    scale["scale-to-zero-pod-retention-period"] = f"{config.keep_warm:g}s"
    if config.reserved is not None:
        scale["max-scale"] = str(config.reserved)
    plain = [{"name": name, "value": v} for name, v in config.environment.items()]
    secret = [{"name": name, "valueFrom": key(code, name)} for name in config.secrets]
    cpu = round(1000 * config.memory_mb / FULL_CPU_MB)
    limits = {"memory": f"{config.memory_mb}Mi", "cpu": f"{cpu}m"}
    container = {"image": image, "env": plain + secret, "resources": {"limits": limits}}
    spec = {
        "containerConcurrency": config.concurrency,
        "timeoutSeconds": math.ceil(config.timeout),
        "containers": [container],
    }
    notes = {f"autoscaling.knative.dev/{name}": value for name, value in scale.items()}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": code.name},
        "spec": {"template": {"metadata": {"annotations": notes}, "spec": spec}},
    }


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
