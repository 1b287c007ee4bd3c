variable "size" {
  type = string
}

resource "aws_instance" "runner" {
  instance_type = var.size
}
