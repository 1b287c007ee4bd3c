resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name    = "atlas-age"
  alarm_actions = []
}
