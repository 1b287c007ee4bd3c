resource "aws_ecs_task_definition" "atlas" {
  container_definitions = jsonencode([{
    name  = "atlas"
    image = "atlas:1"
  }])
}
