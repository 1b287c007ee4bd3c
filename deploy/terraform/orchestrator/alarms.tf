# The alarms on the original site. They lie in its account and region, because its metrics do: CloudWatch lets an alarm
# see those of its own alone. Nothing here puts data into them; the site's pipeline does.

locals {
  # "PublishCorrectness" is called "publish-correctness".
  faults = {
    for metric, value in(local.is_watched ? var.fault_values : {}) : metric => {
      name = "${local.name}-${lower(join("-", regexall("[A-Z]+[a-z0-9]*|[a-z0-9]+", metric)))}"
      # Halfway between what a fault says and what health says: 0, and 1 where a fault says 0.
      rises     = tonumber(value) > 0
      threshold = tonumber(value) == 0 ? 0.5 : tonumber(value) / 2
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "pipeline_freshness" {
  provider                  = aws.primary
  count                     = local.is_watched && var.freshness_metric != "" ? 1 : 0
  alarm_name                = "${local.name}-pipeline-freshness"
  alarm_description         = "What the original site published last below s3://${var.publish_bucket}/${var.publish_prefix} is older than ${var.max_freshness_hours} hours, or nobody says how old it is."
  namespace                 = var.metric_namespace
  metric_name               = var.freshness_metric
  dimensions                = var.metric_dimensions
  statistic                 = "Maximum"
  period                    = var.alarm_period_seconds
  evaluation_periods        = var.alarm_evaluation_periods
  threshold                 = var.max_freshness_hours * 3600 / var.freshness_unit_seconds
  comparison_operator       = "GreaterThanThreshold"
  treat_missing_data        = var.alarm_missing_data
  actions_enabled           = var.enable_triggers
  alarm_actions             = [local.primary.topic]
  ok_actions                = [local.primary.topic]
  insufficient_data_actions = [local.primary.topic]

  lifecycle {
    precondition {
      condition     = local.topic_is_near
      error_message = local.topic_is_far
    }

    precondition {
      condition     = var.alarm_period_seconds > 0
      error_message = local.period_is_unknown
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "publish_correctness" {
  provider                  = aws.primary
  for_each                  = local.faults
  alarm_name                = each.value.name
  alarm_description         = "${each.key} says that the original site is at fault, s3://${var.publish_bucket}/${var.publish_prefix}, or it says nothing."
  namespace                 = var.metric_namespace
  metric_name               = each.key
  dimensions                = var.metric_dimensions
  statistic                 = each.value.rises ? "Maximum" : "Minimum"
  period                    = var.alarm_period_seconds
  evaluation_periods        = var.alarm_evaluation_periods
  threshold                 = each.value.threshold
  comparison_operator       = each.value.rises ? "GreaterThanThreshold" : "LessThanThreshold"
  treat_missing_data        = var.alarm_missing_data
  actions_enabled           = var.enable_triggers
  alarm_actions             = [local.primary.topic]
  ok_actions                = [local.primary.topic]
  insufficient_data_actions = [local.primary.topic]

  lifecycle {
    precondition {
      condition     = local.topic_is_near
      error_message = local.topic_is_far
    }

    precondition {
      condition     = var.alarm_period_seconds > 0
      error_message = local.period_is_unknown
    }
  }
}
