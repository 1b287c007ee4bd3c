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

# The watcher is no trigger: it starts nothing, and is on even where triggers are off.
resource "aws_cloudwatch_event_rule" "watcher" {
  name        = "${local.name}-watcher"
  state       = "ENABLED"
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

# A watcher that fails is silence, and somebody must hear of that too: of an execution that a person started as well,
# while triggers are off. It starts nothing, and is on for as long as the watcher is.
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
  actions_enabled     = true
  alarm_actions       = [var.watcher_topic_arn != "" ? var.watcher_topic_arn : var.notification_topic_arn]
}
