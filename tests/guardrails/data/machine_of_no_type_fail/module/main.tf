resource "aws_instance" "runner" {
  instance_type = "large"
}
