locals {
  common = {
    "AWS_DEFAULT_REGION" = "us-west-2"
  }
}

resource "aws_lambda_function" "reader" {
  function_name = "atlas-reader"
  role          = "arn:aws:iam::111122223333:role/atlas-reader"
  handler       = "reader.handler"
  runtime       = "python3.13"
  filename      = "reader.zip"

  environment {
    variables = merge(local.common, { ATLAS_BUCKET = "atlas" })
  }
}
