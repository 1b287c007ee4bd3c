variable "keys" {
  type    = bool
  default = false
}

resource "aws_lambda_function" "reader" {
  function_name = "atlas-reader"
  role          = "arn:aws:iam::111122223333:role/atlas-reader"
  handler       = "reader.handler"
  runtime       = "python3.13"
  filename      = "reader.zip"

  environment {
    variables = var.keys ? { AWS_ACCESS_KEY_ID = "x" } : {}
  }
}
