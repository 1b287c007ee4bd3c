resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name    = "atlas-age"
  alarm_actions = ["arn:aws:sns:us-west-2:444455556666:people"]
}
