resource "aws_cloudwatch_log_group" "orchestrator" {
  name              = "/aws/lambda/${local.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "watcher" {
  name              = "/aws/lambda/${local.name}-watcher"
  retention_in_days = var.log_retention_days
}

locals {
  # AWS_REGION and its like are reserved: a function with one of them in its environment is not created.
  environment = {
    DRPROOF_TARGET      = "aws"
    EXPECTED_ACCOUNT_ID = var.expected_account_id
  }
}

resource "aws_lambda_function" "orchestrator" {
  function_name    = local.name
  description      = "One phase of a drill a call, idempotent for each execution and phase."
  role             = aws_iam_role.orchestrator.arn
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "drproof.orchestrator.handler.handler"
  runtime          = var.runtime
  architectures    = [var.architecture]
  timeout          = var.lambda_timeout_seconds
  memory_size      = var.lambda_memory_mb
  # Phases of one execution follow each other, and of two executions one is refused.
  reserved_concurrent_executions = 2

  ephemeral_storage {
    size = var.lambda_storage_mb
  }

  # Where the recovery cluster's API lets it in.
  dynamic "vpc_config" {
    for_each = length(var.function_subnet_ids) == 0 ? [] : [true]

    content {
      subnet_ids         = var.function_subnet_ids
      security_group_ids = var.function_security_group_ids
    }
  }

  environment {
    variables = local.environment
  }

  lifecycle {
    precondition {
      condition     = filesha256(var.package) == var.package_sha256
      error_message = "The package is another one than these variables were written for; run `drproof package --variables …` again."
    }
  }

  depends_on = [aws_cloudwatch_log_group.orchestrator]
}

resource "aws_lambda_function" "watcher" {
  function_name    = "${local.name}-watcher"
  description      = "Tells people of executions that ended in a way that no Catch sees."
  role             = aws_iam_role.watcher.arn
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  handler          = "drproof.orchestrator.watcher.handler"
  runtime          = var.runtime
  architectures    = [var.architecture]
  timeout          = 60
  memory_size      = 512

  environment {
    variables = local.environment
  }

  depends_on = [aws_cloudwatch_log_group.watcher]
}

resource "aws_lambda_permission" "watcher" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.watcher.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.watcher.arn
}
