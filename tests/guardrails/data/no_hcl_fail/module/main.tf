resource "aws_instance" {{
