variable "make_lock_table" {
  type    = bool
  default = true
}

resource "aws_dynamodb_table" "lock" {
  count        = var.make_lock_table ? 1 : 1
  name         = "atlas-lock"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }
}
