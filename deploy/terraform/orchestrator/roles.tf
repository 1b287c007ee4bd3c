# Who may do what. No statement allows every action of a service, or to pass any role.

locals {
  trusted = {
    builds       = "codebuild.amazonaws.com"
    machine      = "states.amazonaws.com"
    orchestrator = "lambda.amazonaws.com"
    schedule     = "events.amazonaws.com"
    watcher      = "lambda.amazonaws.com"
  }
}

data "aws_iam_policy_document" "trust" {
  for_each = local.trusted

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.value]
    }
  }
}

# The function: what the phases declare, and what a function itself needs.

resource "aws_iam_role" "orchestrator" {
  name               = "${local.name}-function"
  assume_role_policy = data.aws_iam_policy_document.trust["orchestrator"].json
}

resource "aws_iam_role_policy" "phases" {
  name   = "phases"
  role   = aws_iam_role.orchestrator.id
  policy = var.phase_policy
}

data "aws_iam_policy_document" "orchestrator" {
  statement {
    sid       = "Sign"
    actions   = ["kms:GetPublicKey", "kms:Sign"]
    resources = [aws_kms_key.signer.arn]
  }

  statement {
    sid       = "FindTheRunInItsStore"
    actions   = ["s3:ListBucket"]
    resources = ["${local.arn}:s3:::${var.receipt_bucket}"]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["${trim(var.receipt_prefix, "/")}/*"]
    }
  }

  statement {
    sid       = "MakeTheDigestKeyOfADrill"
    actions   = ["kms:GenerateMac"]
    resources = [aws_kms_key.digests.arn]
  }

  # A function in subnets has interfaces there, and the service that makes them knows no resource.
  dynamic "statement" {
    for_each = length(var.function_subnet_ids) == 0 ? [] : [true]

    content {
      sid       = "BeInASubnet"
      actions   = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"]
      resources = ["*"]
    }
  }

  statement {
    sid       = "WhetherAnExecutionRuns"
    actions   = ["states:DescribeExecution"]
    resources = ["${replace(local.machine, ":stateMachine:", ":execution:")}:*"]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.orchestrator.arn}:*"]
  }
}

resource "aws_iam_role_policy" "orchestrator" {
  name   = "function"
  role   = aws_iam_role.orchestrator.id
  policy = data.aws_iam_policy_document.orchestrator.json
}

resource "aws_iam_role" "watcher" {
  name               = "${local.name}-watcher"
  assume_role_policy = data.aws_iam_policy_document.trust["watcher"].json
}

data "aws_iam_policy_document" "watcher" {
  statement {
    sid       = "ReadTheHistory"
    actions   = ["states:GetExecutionHistory"]
    resources = ["${replace(local.machine, ":stateMachine:", ":execution:")}:*"]
  }

  statement {
    sid       = "WhatIsStillUp"
    actions   = ["ec2:DescribeInstances"]
    resources = ["*"]
  }

  statement {
    sid       = "Tell"
    actions   = ["sns:Publish"]
    resources = [var.notification_topic_arn]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.watcher.arn}:*"]
  }
}

resource "aws_iam_role_policy" "watcher" {
  name   = "watcher"
  role   = aws_iam_role.watcher.id
  policy = data.aws_iam_policy_document.watcher.json
}

# The machine: it calls one function, and starts, watches and stops the builds of one project.

resource "aws_iam_role" "machine" {
  name               = "${local.name}-machine"
  assume_role_policy = data.aws_iam_policy_document.trust["machine"].json
}

data "aws_iam_policy_document" "machine" {
  statement {
    sid       = "RunPhases"
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.orchestrator.arn]
  }

  statement {
    sid       = "RunBuilds"
    actions   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"]
    resources = [local.build]
  }

  # Without it a `.sync` task is refused when the machine is made, or does not hear of its build's end.
  statement {
    sid       = "HearOfTheEndOfBuilds"
    actions   = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
    resources = ["${local.arn}:events:${var.region}:${var.expected_account_id}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule"]
  }

  # The service that delivers logs knows no resource.
  statement {
    sid = "DeliverLogs"
    actions = [
      "logs:CreateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:DescribeLogGroups",
      "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:UpdateLogDelivery",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "machine" {
  name   = "machine"
  role   = aws_iam_role.machine.id
  policy = data.aws_iam_policy_document.machine.json
}

resource "aws_iam_role" "schedule" {
  name               = "${local.name}-schedule"
  assume_role_policy = data.aws_iam_policy_document.trust["schedule"].json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartTheMachine"
    actions   = ["states:StartExecution"]
    resources = [local.machine]
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "schedule"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}
