# Detection. Everything that starts or alarms by itself is off until somebody says otherwise.

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "${local.name}-schedule"
  description         = "Has the machine look whether recovery is needed."
  schedule_expression = var.schedule_expression
  state               = var.enable_triggers ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "schedule" {
  rule     = aws_cloudwatch_event_rule.schedule.name
  arn      = aws_sfn_state_machine.orchestrator.arn
  role_arn = aws_iam_role.schedule.arn
  input = jsonencode(merge(
    { force_run = false, requested_by = "schedule" },
    var.backup_uri == "" ? {} : { backup_uri = var.backup_uri },
  ))
}

resource "aws_cloudwatch_metric_alarm" "pipeline_freshness" {
  count               = var.metric_namespace == "" ? 0 : 1
  alarm_name          = "${var.project}-dr-pipeline-freshness"
  alarm_description   = "What the original site published last is older than ${var.max_freshness_hours} hours."
  namespace           = var.metric_namespace
  metric_name         = "PipelineFreshnessHours"
  dimensions          = var.metric_dimensions
  statistic           = "Maximum"
  period              = var.alarm_period_seconds
  evaluation_periods  = var.alarm_evaluation_periods
  threshold           = var.max_freshness_hours
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = var.alarm_missing_data
  actions_enabled     = var.enable_triggers
  alarm_actions       = [local.alarm_topic]
  ok_actions          = [local.alarm_topic]
}

resource "aws_cloudwatch_metric_alarm" "publish_correctness" {
  count               = var.metric_namespace == "" ? 0 : 1
  alarm_name          = "${var.project}-dr-publish-correctness"
  alarm_description   = "Pointers or markers of the original site are wrong."
  namespace           = var.metric_namespace
  metric_name         = "PublishCorrectness"
  dimensions          = var.metric_dimensions
  statistic           = "Maximum"
  period              = var.alarm_period_seconds
  evaluation_periods  = var.alarm_evaluation_periods
  threshold           = 0.5
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = var.alarm_missing_data
  actions_enabled     = var.enable_triggers
  alarm_actions       = [local.alarm_topic]
  ok_actions          = [local.alarm_topic]
}

# The watcher is no trigger: it starts nothing, and is on even where triggers are off.
resource "aws_cloudwatch_event_rule" "watcher" {
  name        = "${local.name}-watcher"
  description = "Executions that ended otherwise than the machine's own end states."
  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail = {
      stateMachineArn = [local.machine]
      status          = ["ABORTED", "FAILED", "TIMED_OUT"]
    }
  })
}

resource "aws_cloudwatch_event_target" "watcher" {
  rule = aws_cloudwatch_event_rule.watcher.name
  arn  = aws_lambda_function.watcher.arn
}

# A watcher that fails is silence; somebody must hear of that too.
resource "aws_cloudwatch_metric_alarm" "watcher" {
  alarm_name          = "${local.name}-watcher-failed"
  alarm_description   = "Nobody was told of an execution that ended."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.watcher.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  actions_enabled     = var.enable_triggers
  alarm_actions       = [local.alarm_topic]
}
