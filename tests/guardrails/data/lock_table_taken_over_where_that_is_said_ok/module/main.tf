variable "there" {
  type    = bool
  default = false
}

import {
  for_each = var.there ? toset(["atlas-lock"]) : toset([])
  to       = aws_dynamodb_table.lock
  id       = each.value
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
