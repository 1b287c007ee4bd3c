resource "aws_scheduler_schedule" "look" {
  schedule_expression = "rate(15 minutes)"
}
