variable "key" {
  type = string
}

resource "aws_dynamodb_table" "lock" {
  name         = "atlas-lock"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = var.key

  attribute {
    name = var.key
    type = "S"
  }
}
