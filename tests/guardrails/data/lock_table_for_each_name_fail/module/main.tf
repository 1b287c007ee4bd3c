variable "lock_table" {
  type = string
}

resource "aws_dynamodb_table" "lock" {
  for_each     = toset([var.lock_table])
  name         = each.value
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }
}
