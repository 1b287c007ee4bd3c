import {
  to = aws_dynamodb_table.other
  id = "atlas-lock"
}

resource "aws_dynamodb_table" "other" {
  name         = "atlas"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "Key"

  attribute {
    name = "Key"
    type = "S"
  }
}

resource "aws_dynamodb_table" "lock" {
  name         = "atlas-lock"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }
}
