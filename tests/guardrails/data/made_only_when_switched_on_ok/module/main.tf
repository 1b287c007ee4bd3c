variable "enable_triggers" {
  type    = bool
  default = false
}
resource "aws_scheduler_schedule" "look" {
  count               = var.enable_triggers ? 1 : 0
  schedule_expression = "rate(15 minutes)"
}
