import {
  to = module.lock.aws_dynamodb_table.lock
  id = "atlas-lock"
}

module "lock" {
  source = "../lock"
}
