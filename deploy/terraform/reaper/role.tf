# What the reaper may do: look, and remove only what carries the tag of a drill.

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "reaper" {
  statement {
    sid       = "LookAtWhatCarriesATag"
    actions   = ["ec2:DescribeInstances", "ec2:DescribeKeyPairs", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots", "ec2:DescribeTags", "ec2:DescribeVolumes"]
    resources = ["*"]
  }

  statement {
    sid       = "RemoveOnlyWhatADrillMarked"
    actions   = ["ec2:DeleteNetworkInterface", "ec2:DeleteSecurityGroup", "ec2:DeleteVolume", "ec2:TerminateInstances"]
    resources = ["${local.ec2}:instance/*", "${local.ec2}:network-interface/*", "${local.ec2}:security-group/*", "${local.ec2}:volume/*"]
    condition {
      test     = "Null"
      variable = "aws:ResourceTag/drproof:drill"
      values   = ["false"]
    }
    condition {
      test     = "Null"
      variable = "aws:ResourceTag/drproof:expires-at"
      values   = ["false"]
    }
  }

  # What only a state names: the role of a machine and its profile, which no listing finds by a tag.
  statement {
    sid       = "LookAtRolesOfMachines"
    actions   = ["iam:GetInstanceProfile", "iam:GetRole"]
    resources = [local.profile, local.runner]
  }

  statement {
    sid       = "RemoveOnlyRolesThatADrillMarked"
    actions   = ["iam:DeleteInstanceProfile", "iam:DeleteRole", "iam:DetachRolePolicy", "iam:RemoveRoleFromInstanceProfile"]
    resources = [local.profile, local.runner]
    condition {
      test     = "Null"
      variable = "aws:ResourceTag/drproof:drill"
      values   = ["false"]
    }
    condition {
      test     = "Null"
      variable = "aws:ResourceTag/drproof:expires-at"
      values   = ["false"]
    }
  }

  statement {
    sid       = "ListWhereDrillsWork"
    actions   = ["s3:ListBucket", "s3:ListBucketVersions"]
    resources = ["${local.arn}:s3:::${var.recovery_bucket}", "${local.arn}:s3:::${var.state_bucket}"]
  }

  statement {
    sid       = "LookAtObjectsOfDrills"
    actions   = ["s3:GetObjectTagging"]
    resources = ["${local.objects}/*"]
  }

  statement {
    sid       = "RemoveOnlyObjectsThatADrillMarked"
    actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = ["${local.objects}/*"]
    # S3 has no key that asks whether a tag is there, whatever its value; the prefix of drills is the bound.
  }

  statement {
    sid       = "StateLockAndLease"
    actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject"]
    resources = [local.state, "${local.state}.direct.json", "${local.state}.drproof-lease", "${local.state}.tflock"]
  }

  statement {
    sid       = "WhenALockMayGo"
    actions   = ["s3:GetObjectTagging"]
    resources = ["${local.state}.tflock"]
  }

  statement {
    sid       = "HoldTheLease"
    actions   = ["s3:PutObject", "s3:PutObjectTagging"]
    resources = ["${local.state}.drproof-lease"]
  }

  statement {
    sid       = "WhetherAnExecutionRuns"
    actions   = ["states:DescribeExecution"]
    resources = ["${local.arn}:states:${var.region}:${var.account_id}:execution:*:*"]
  }

  dynamic "statement" {
    for_each = var.lock_table == "" ? [] : [var.lock_table]
    content {
      sid       = "LookAtTheLockInATable"
      actions   = ["dynamodb:GetItem"]
      resources = ["${local.arn}:dynamodb:${var.region}:${var.account_id}:table/${statement.value}"]
    }
  }

  dynamic "statement" {
    for_each = var.receipts_bucket == "" ? [] : [var.receipts_bucket]
    content {
      sid       = "FindDrillsInTheReceipts"
      actions   = ["s3:ListBucket"]
      resources = ["${local.arn}:s3:::${statement.value}"]

      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["${local.receipts}*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.receipts_bucket == "" ? [] : [var.receipts_bucket]
    content {
      sid       = "ReadWhatADrillAnnounced"
      actions   = ["s3:GetObject"]
      resources = ["${local.arn}:s3:::${statement.value}/${local.receipts}*/journal/*"]
    }
  }

  dynamic "statement" {
    for_each = var.receipts_bucket == "" ? [] : [var.receipts_bucket]
    content {
      sid       = "KeepRecords"
      actions   = ["s3:PutObject"]
      resources = ["${local.arn}:s3:::${statement.value}/${local.receipts}sweep-*"]
    }
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.reaper.arn}:*"]
  }
}

resource "aws_iam_role" "reaper" {
  name               = var.name
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "reaper" {
  name   = "sweep"
  role   = aws_iam_role.reaper.id
  policy = data.aws_iam_policy_document.reaper.json
}
