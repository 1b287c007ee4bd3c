variable "on" {
  type    = number
  default = "1"
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "atlas-schedule"
  schedule_expression = "rate(15 minutes)"
  state               = var.on == 1.0 ? "ENABLED" : "DISABLED"
}
