variable "enable_triggers" {
  type    = bool
  default = false
}
locals {
  on = var.enable_triggers && !false
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "atlas-schedule"
  schedule_expression = "rate(15 minutes)"
  state               = local.on == true ? "ENABLED" : "DISABLED"
}
