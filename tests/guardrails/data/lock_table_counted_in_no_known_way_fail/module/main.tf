variable "tables" {
  type    = number
  default = 1
}

resource "aws_dynamodb_table" "lock" {
  count        = max(1, var.tables)
  name         = "atlas-lock"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }
}
