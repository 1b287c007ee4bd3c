resource "aws_batch_job_definition" "atlas" {
  name                 = "atlas"
  type                 = "container"
  container_properties = jsonencode({ image = "registry.example/atlas:latest" })
}
