variable "bucket" {
  type    = string
  default = "atlas"
}

locals {
  common = {
    ATLAS_BUCKET = var.bucket
  }
}

resource "aws_lambda_function" "reader" {
  function_name = "atlas-reader"
  role          = "arn:aws:iam::111122223333:role/atlas-reader"
  handler       = "reader.handler"
  runtime       = "python3.13"
  filename      = "reader.zip"

  environment {
    variables = merge(local.common, { ATLAS_NOTE = "AWS_REGION = us-west-2", TZ = "UTC" })
  }
}
