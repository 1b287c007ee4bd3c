locals {
  description = "ami-0123456789abcdef0"
}
resource "aws_instance" "runner" {
  ami           = local.description
  instance_type = "t4g.medium"
}
