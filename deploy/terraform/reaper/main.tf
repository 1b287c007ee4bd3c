# The reaper: a sweep by schedule, for drills whose host died together with their guardian.
#
# The package is the zip that `drproof package` writes: the same as that of the orchestrator's functions.

terraform {
  required_version = ">= 1.10.0"

  # Where the state lies is said at `terraform init -backend-config=…`; where another module calls this one, it is that one's.
  backend "s3" {
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

data "aws_caller_identity" "current" {
  lifecycle {
    postcondition {
      condition     = self.account_id == var.account_id
      error_message = "The caller is in account ${self.account_id}, expected ${var.account_id}, the one of the recovery site."
    }
  }
}

data "aws_region" "current" {
  lifecycle {
    postcondition {
      condition     = self.name == var.region
      error_message = "The provider is in ${self.name}, expected ${var.region}, where the drills are: it would sweep elsewhere."
    }
  }
}

data "aws_partition" "current" {}

locals {
  arn     = "arn:${data.aws_partition.current.partition}"
  ec2     = "${local.arn}:ec2:${var.region}:${var.account_id}"
  objects = "${local.arn}:s3:::${var.recovery_bucket}/${trim(var.recovery_prefix, "/")}"
  # Without a prefix the keys begin with the drill's name, and with no slash.
  receipts = trim(var.receipts_prefix, "/") == "" ? "" : "${trim(var.receipts_prefix, "/")}/"
  profile  = "${local.arn}:iam::${var.account_id}:instance-profile/${var.runner_name}*"
  runner   = "${local.arn}:iam::${var.account_id}:role/${var.runner_name}*"
  state    = "${local.arn}:s3:::${var.state_bucket}/${var.state_key}"
}

resource "aws_cloudwatch_log_group" "reaper" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "reaper" {
  function_name                  = var.name
  role                           = aws_iam_role.reaper.arn
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  handler                        = "drproof.orchestrator.reaper.handler"
  runtime                        = var.runtime
  architectures                  = [var.architecture]
  timeout                        = 900
  memory_size                    = 512
  reserved_concurrent_executions = 1

  environment {
    variables = {
      DRPROOF_TARGET      = "aws"
      EXPECTED_ACCOUNT_ID = var.account_id
    }
  }

  lifecycle {
    precondition {
      condition     = filesha256(var.package) == var.package_sha256
      error_message = "The package is another one than package_sha256 names; run `drproof package` again, and give the digest that it prints."
    }
  }

  depends_on = [aws_cloudwatch_log_group.reaper]
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = var.name
  schedule_expression = var.schedule
}

resource "aws_cloudwatch_event_target" "reaper" {
  rule = aws_cloudwatch_event_rule.schedule.name
  arn  = aws_lambda_function.reaper.arn
  input = jsonencode({
    older_than    = var.older_than
    max_deletions = var.max_deletions
    dry_run       = var.dry_run
  })
}

resource "aws_lambda_permission" "schedule" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.reaper.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule.arn
}

# A sweep that leaves something which is due ends with an error; somebody must hear of that.
resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${var.name}-failed"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.reaper.function_name }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}
