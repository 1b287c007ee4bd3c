"""What only a deployment asks: who pays for a bucket, whether a definition is valid, a project without a source."""

import json
from typing import Any

from moto.codebuild import responses as codebuild
from moto.core.responses import ActionResult
from moto.s3.responses import S3Response
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException
from moto.stepfunctions.responses import StepFunctionResponse

from drproof.embedded.shims import seams
from drproof.embedded.world import World

SEAMS = (
    "moto.codebuild.responses:_validate_required_params_source",
    "moto.codebuild.responses:CodeBuildResponse.create_project",
    "moto.s3.responses:S3Response._bucket_response_get",
    "moto.stepfunctions.parser.asl.parse.asl_parser:AmazonStateLanguageParser.parse",
    "moto.stepfunctions.parser.asl.parse.asl_parser:ASLParserException",
)
PAYER = (
    '<RequestPaymentConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Payer>BucketOwner</Payer></RequestPaymentConfiguration>"
)


def install(_world: World) -> None:
    """Answer what Terraform's provider asks of what it makes."""
    buckets, source = S3Response._bucket_response_get, codebuild._validate_required_params_source  # noqa: SLF001

    def bucket_response_get(self: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:  # noqa: ANN401 — the emulator's
        if "requestPayment" in querystring:
            self.backend.get_bucket(bucket_name)
            return 200, {"content-type": "application/xml"}, PAYER
        return buckets(self, bucket_name, querystring)

    def validated_source(asked: dict[str, Any]) -> None:
        # A project without a source has no place of one: its buildspec is all that it runs.
        if asked.get("type") == "NO_SOURCE":
            asked.setdefault("location", "")
            return
        source(asked)

    create = codebuild.CodeBuildResponse.create_project

    def create_project(self: Any) -> ActionResult:  # noqa: ANN401 — the emulator's
        answer = create(self)
        asked = json.loads(self.body)
        if "concurrentBuildLimit" in asked:
            # Kept in the project itself, which is asked for later.
            backend = self.codebuild_backend
            backend.codebuild_projects[asked["name"]].project_metadata["concurrentBuildLimit"] = asked[
                "concurrentBuildLimit"
            ]
        return answer

    seams.put(codebuild.CodeBuildResponse, "create_project", create_project)
    seams.put(S3Response, "_bucket_response_get", bucket_response_get)
    seams.put(codebuild, "_validate_required_params_source", validated_source)
    seams.add(StepFunctionResponse, "validate_state_machine_definition", _validate)
    # Nobody publishes versions here.
    seams.add(StepFunctionResponse, "list_state_machine_versions", lambda _: json.dumps({"stateMachineVersions": []}))


def _validate(response: StepFunctionResponse) -> str:
    """Answer `ValidateStateMachineDefinition` by what the emulator finds when it makes a machine."""
    found: list[dict[str, str]] = []
    try:
        AmazonStateLanguageParser.parse(json.loads(response.body)["definition"])
    except ASLParserException as exc:
        found = [{"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": repr(exc)}]
    return json.dumps({"result": "FAIL" if found else "OK", "diagnostics": found, "truncated": False})
