resource "aws_instance" "runner" {
  ami = var.image
}

variable "image" {}
