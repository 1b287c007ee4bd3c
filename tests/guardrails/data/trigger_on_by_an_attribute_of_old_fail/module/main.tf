resource "aws_cloudwatch_event_rule" "schedule" {
  is_enabled = true
}
