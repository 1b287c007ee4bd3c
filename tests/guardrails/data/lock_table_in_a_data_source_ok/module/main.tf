data "aws_dynamodb_table" "lock" {
  name = "atlas-lock"
}
