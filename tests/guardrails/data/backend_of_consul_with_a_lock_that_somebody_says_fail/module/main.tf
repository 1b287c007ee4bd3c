variable "enable_triggers" {
  type    = bool
  default = false
}
resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "atlas-schedule"
  schedule_expression = "rate(15 minutes)"
  state               = var.enable_triggers ? "ENABLED" : "DISABLED"
}
