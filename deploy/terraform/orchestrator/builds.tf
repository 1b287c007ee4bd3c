resource "aws_cloudwatch_log_group" "builds" {
  name              = "/aws/codebuild/${local.builds}"
  retention_in_days = var.log_retention_days
}

resource "aws_codebuild_project" "infra" {
  name                   = local.builds
  description            = "Brings the recovery machine up or takes it away, and leaves a receipt whether that worked or not."
  service_role           = aws_iam_role.builds.arn
  build_timeout          = var.codebuild_timeout_minutes
  queued_timeout         = var.codebuild_queued_timeout_minutes
  concurrent_build_limit = 1

  artifacts {
    type = "NO_ARTIFACTS"
  }

  environment {
    type         = var.codebuild_environment
    image        = var.codebuild_image
    compute_type = var.codebuild_compute_type
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.builds.name
    }
  }

  source {
    type      = "NO_SOURCE"
    buildspec = file("${path.module}/../../codebuild/buildspec.yml")
  }
}

# Where the recovery module keeps its state. It outlives a destroy of this module: what is up is known only there.
resource "aws_s3_bucket" "state" {
  count  = var.create_tf_backend_resources ? 1 : 0
  bucket = local.state.bucket
}

resource "aws_s3_bucket_versioning" "state" {
  count  = var.create_tf_backend_resources ? 1 : 0
  bucket = aws_s3_bucket.state[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  count  = var.create_tf_backend_resources ? 1 : 0
  bucket = aws_s3_bucket.state[0].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  count                   = var.create_tf_backend_resources ? 1 : 0
  bucket                  = aws_s3_bucket.state[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_dynamodb_table" "lock" {
  count        = var.create_tf_backend_resources && local.state.table != "" ? 1 : 0
  name         = local.state.table
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "LockID"

  attribute {
    name = "LockID"
    type = "S"
  }
}

import {
  for_each = var.create_tf_backend_resources && var.import_lock_table && local.state.table != "" ? toset([local.state.table]) : toset([])
  to       = aws_dynamodb_table.lock[0]
  id       = each.value
}
