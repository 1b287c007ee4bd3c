variable "on" {
  type    = string
  default = true
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "atlas-schedule"
  schedule_expression = "rate(15 minutes)"
  state               = var.on == "true" ? "ENABLED" : "DISABLED"
}
