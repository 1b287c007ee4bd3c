data "aws_caller_identity" "current" {
  lifecycle {
    postcondition {
      condition     = self.account_id == var.expected_account_id
      error_message = "The caller is in account ${self.account_id}, expected ${var.expected_account_id}, the one of the recovery site."
    }
  }
}

data "aws_partition" "current" {}

locals {
  arn    = "arn:${data.aws_partition.current.partition}"
  name   = "${var.project}-dr-orchestrator"
  builds = var.codebuild_project != "" ? var.codebuild_project : "${var.project}-dr-infra"
  state = {
    bucket = var.tf_state_bucket_name != "" ? var.tf_state_bucket_name : "${var.project}-dr-tfstate-${var.expected_account_id}-${var.region}"
    table  = var.tf_lock_table_name
  }
  # Written out, so that no policy waits for what it speaks of, and none needs a wildcard for that.
  machine = "${local.arn}:states:${var.region}:${var.expected_account_id}:stateMachine:${local.name}"
  build   = "${local.arn}:codebuild:${var.region}:${var.expected_account_id}:project/${local.builds}"

  # Where nothing is watched, nobody has to reach the original site to apply this module.
  is_watched = var.metric_namespace != ""
  primary = {
    account = local.is_watched && var.primary_account_id != "" ? var.primary_account_id : var.expected_account_id
    region  = local.is_watched && var.primary_region != "" ? var.primary_region : var.region
    topic   = var.alarm_topic_arn != "" ? var.alarm_topic_arn : var.notification_topic_arn
  }
  topic_is_near     = split(":", local.primary.topic)[3] == local.primary.region
  topic_is_far      = "An alarm tells a topic of its own region alone, expected one in ${local.primary.region}, got ${local.primary.topic}: say alarm_topic_arn."
  period_is_unknown = "Nobody says how often the original site's metrics come, and an alarm on them needs a period: set primary.metrics_every in drproof.toml and package again, or say alarm_period_seconds."

  # The checked-in machine, but for how long a person may take; the whole may take as much longer.
  generated = jsondecode(templatefile("${path.module}/../../orchestrator.asl.json", { function_arn = aws_lambda_function.orchestrator.arn }))
  approval  = local.generated.States.RequestManualApproval
  definition = merge(local.generated, {
    TimeoutSeconds = local.generated.TimeoutSeconds + var.manual_approval_timeout_seconds - local.approval.TimeoutSeconds
    States = merge(local.generated.States, {
      RequestManualApproval = merge(local.approval, { TimeoutSeconds = var.manual_approval_timeout_seconds })
    })
  })
}

resource "aws_cloudwatch_log_group" "machine" {
  name              = "/aws/vendedlogs/states/${local.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_sfn_state_machine" "orchestrator" {
  name       = local.name
  role_arn   = aws_iam_role.machine.arn
  type       = "STANDARD"
  definition = jsonencode(local.definition)

  # Data of an execution is not logged: what a callback or an answer holds belongs into receipts, projected.
  logging_configuration {
    level                  = "ERROR"
    include_execution_data = false
    log_destination        = "${aws_cloudwatch_log_group.machine.arn}:*"
  }

  tracing_configuration {
    enabled = false
  }

  depends_on = [aws_iam_role_policy.machine]
}

# What signs openings, checkpoints and closings; the private half never leaves the service.
resource "aws_kms_key" "signer" {
  description              = "drproof: signs the bundles of orchestrated drills"
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = 30
}

resource "aws_kms_alias" "signer" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.signer.key_id
}

# What originals of redacted texts are digested with is made anew from it, on whatever machine a drill goes on.
resource "aws_kms_key" "digests" {
  description              = "drproof: makes the digest keys of orchestrated drills"
  customer_master_key_spec = "HMAC_256"
  key_usage                = "GENERATE_VERIFY_MAC"
  deletion_window_in_days  = 30
}

resource "aws_kms_alias" "digests" {
  name          = "alias/${local.name}-digests"
  target_key_id = aws_kms_key.digests.key_id
}
