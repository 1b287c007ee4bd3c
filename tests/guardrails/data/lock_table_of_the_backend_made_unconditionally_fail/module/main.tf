resource "aws_dynamodb_table" "tables" {
  name         = "atlas-lock"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "Key"

  attribute {
    name = "Key"
    type = "S"
  }
}
