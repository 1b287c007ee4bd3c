resource "aws_lambda_function" "reader" {
  function_name = "atlas-reader"
  role          = "arn:aws:iam::111122223333:role/atlas-reader"
  handler       = "reader.handler"
  runtime       = "python3.13"
  filename      = "reader.zip"

  environment {
    variables = {
      AWS_REGION   = "us-west-2"
      ATLAS_BUCKET = "atlas"
    }
  }
}
