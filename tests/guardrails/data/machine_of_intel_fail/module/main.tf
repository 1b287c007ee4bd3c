resource "aws_instance" "runner" {
  instance_type = "t3.medium"
}
