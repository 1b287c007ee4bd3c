resource "aws_instance" "runner" {
  ami           = "\u0061mi-0123456789abcdef0"
  instance_type = "t4g.medium"
}
