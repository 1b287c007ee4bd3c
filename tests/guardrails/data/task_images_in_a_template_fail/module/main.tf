resource "aws_ecs_task_definition" "atlas" {
  container_definitions = templatefile("tasks.json", {})
}
