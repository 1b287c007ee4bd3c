variable "tag" {
  default = "1"
}

resource "aws_lambda_function" "reader" {
  image_uri = "444455556666.dkr.ecr.us-west-2.amazonaws.com/atlas:${var.tag}"
}
