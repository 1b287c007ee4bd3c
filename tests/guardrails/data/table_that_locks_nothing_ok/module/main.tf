resource "aws_dynamodb_table" "drills" {
  name         = "atlas-drills"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "DrillId"

  attribute {
    name = "DrillId"
    type = "S"
  }
}
