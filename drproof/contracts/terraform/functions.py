"""What a module gives its functions, the platform takes."""

from dataclasses import replace

from drproof.analysis.terraform.facts import Written
from drproof.contracts.terraform.judging import (
    Sources,
    are_handed_in,
    judged,
    module_of,
    modules,
    spoiled,
    told,
    unknown_of,
)
from drproof.model.contract import contract
from drproof.model.verdict import Finding

RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)
"""The reserved names of the Lambda developer guide, "Defined runtime environment variables"."""


@contract(
    needs=["read_terraform"], plans=["orchestrator"], subjects=modules(), applies=are_handed_in, controls=["NIST CM-2"]
)
def no_function_is_given_a_reserved_variable(read_terraform: Sources, subject: str) -> Finding:
    """No Lambda function has a variable in its environment whose name the platform keeps for itself."""
    module = module_of(read_terraform, subject)
    rows = module.function_variables if module is not None else ()
    wrong = [
        f"{row.at} has {row.value}, with which Lambda refuses the function\n  next: take it out, or give yours "
        "another name: Lambda sets its own"
        for row in rows
        if row.value in RESERVED
    ]
    return judged(
        module, wrong=wrong, unknown=unknown_of(rows), seen=told(rows), expected="names that are not reserved"
    )


@no_function_is_given_a_reserved_variable.sabotage("a function is given its region")
def given_its_region(read_terraform: Sources, subject: str) -> Sources:
    """Plant a variable."""
    row = Written(at="aws_lambda_function.planted.environment.variables", value="AWS_REGION")
    return spoiled(read_terraform, subject, lambda one: replace(one, function_variables=(*one.function_variables, row)))


@no_function_is_given_a_reserved_variable.sabotage("a function is given somebody's keys")
def given_keys(read_terraform: Sources, subject: str) -> Sources:
    """Plant another one."""
    row = Written(at="aws_lambda_function.planted.environment.variables", value="AWS_ACCESS_KEY_ID")
    return spoiled(read_terraform, subject, lambda one: replace(one, function_variables=(*one.function_variables, row)))
