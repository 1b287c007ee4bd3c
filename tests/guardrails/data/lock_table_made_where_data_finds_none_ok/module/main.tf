data "aws_dynamodb_tables" "there" {}

resource "aws_dynamodb_table" "lock" {
  count        = contains(data.aws_dynamodb_tables.there.names, "atlas-lock") ? 0 : 1
  name         = "atlas-lock"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }
}
