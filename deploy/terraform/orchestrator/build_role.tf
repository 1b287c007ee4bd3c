# The builds: they read the module, keep its state, and make what the recovery module makes, under its names.

locals {
  ec2      = "${local.arn}:ec2:${var.region}:${var.expected_account_id}"
  runner   = "${local.arn}:iam::${var.expected_account_id}:role/${var.dr_runner_name}*"
  profile  = "${local.arn}:iam::${var.expected_account_id}:instance-profile/${var.dr_runner_name}*"
  drill_is = "aws:ResourceTag/drproof:drill"
}

resource "aws_iam_role" "builds" {
  name               = "${local.name}-builds"
  assume_role_policy = data.aws_iam_policy_document.trust["builds"].json
}

data "aws_iam_policy_document" "builds" {
  statement {
    sid       = "ReadTheModule"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = compact(["${local.arn}:s3:::${var.tf_bundle_bucket}/${var.tf_bundle_s3_key}", var.terraform_zip_arn])
  }

  statement {
    sid       = "LeaveReceipts"
    actions   = ["s3:PutObject"]
    resources = ["${local.arn}:s3:::${var.codebuild_receipts}/*/codebuild-*.json"]
  }

  statement {
    sid       = "ListTheState"
    actions   = ["s3:ListBucket"]
    resources = ["${local.arn}:s3:::${local.state.bucket}"]
  }

  statement {
    sid       = "KeepTheState"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${local.arn}:s3:::${local.state.bucket}/${var.tf_state_key}", "${local.arn}:s3:::${local.state.bucket}/${var.tf_state_key}.tflock"]
  }

  statement {
    sid       = "GiveTheLockBack"
    actions   = ["s3:DeleteObject"]
    resources = ["${local.arn}:s3:::${local.state.bucket}/${var.tf_state_key}.tflock"]
  }

  dynamic "statement" {
    for_each = local.state.table == "" ? [] : [local.state.table]

    content {
      sid       = "LockTheState"
      actions   = ["dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"]
      resources = ["${local.arn}:dynamodb:${var.region}:${var.expected_account_id}:table/${statement.value}"]
    }
  }

  statement {
    sid = "LookAtMachines"
    actions = [
      "ec2:DescribeImages",
      "ec2:DescribeInstanceAttribute",
      "ec2:DescribeInstanceCreditSpecifications",
      "ec2:DescribeInstanceTypes",
      "ec2:DescribeInstances",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeTags",
      "ec2:DescribeVolumes",
      "ec2:DescribeVpcs",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "MakeMachinesWithTheDrillsTag"
    actions   = ["ec2:RunInstances"]
    resources = ["${local.ec2}:instance/*", "${local.ec2}:volume/*"]

    condition {
      test     = "Null"
      variable = "aws:RequestTag/drproof:drill"
      values   = ["false"]
    }
  }

  statement {
    sid       = "MakeGroupsWithTheDrillsTag"
    actions   = ["ec2:CreateSecurityGroup"]
    resources = ["${local.ec2}:security-group/*"]

    condition {
      test     = "Null"
      variable = "aws:RequestTag/drproof:drill"
      values   = ["false"]
    }
  }

  # What a machine is made from carries no tag of a drill.
  statement {
    sid     = "MakeFrom"
    actions = ["ec2:RunInstances"]
    resources = [
      "${local.arn}:ec2:${var.region}::image/*",
      "${local.ec2}:network-interface/*",
      "${local.ec2}:security-group/*",
      "${local.ec2}:subnet/${var.dr_subnet_id}",
    ]
  }

  statement {
    sid       = "MakeGroupsInItsNetwork"
    actions   = ["ec2:CreateSecurityGroup"]
    resources = ["${local.ec2}:vpc/${var.dr_vpc_id}"]
  }

  statement {
    sid       = "MarkAsItIsMade"
    actions   = ["ec2:CreateTags"]
    resources = ["${local.ec2}:*/*"]

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["CreateSecurityGroup", "RunInstances"]
    }
  }

  statement {
    sid = "ChangeOnlyGroupsThatADrillMarked"
    actions = [
      "ec2:AuthorizeSecurityGroupEgress",
      "ec2:AuthorizeSecurityGroupIngress",
      "ec2:DeleteSecurityGroup",
      "ec2:RevokeSecurityGroupEgress",
      "ec2:RevokeSecurityGroupIngress",
    ]
    resources = ["${local.ec2}:security-group/*"]

    condition {
      test     = "Null"
      variable = local.drill_is
      values   = ["false"]
    }
  }

  statement {
    sid       = "EndOnlyMachinesThatADrillMarked"
    actions   = ["ec2:TerminateInstances"]
    resources = ["${local.ec2}:instance/*"]

    condition {
      test     = "Null"
      variable = local.drill_is
      values   = ["false"]
    }
  }

  statement {
    sid = "LookAtTheMachinesRole"
    actions = [
      "iam:GetInstanceProfile",
      "iam:GetRole",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
    ]
    resources = [local.profile, local.runner]
  }

  statement {
    sid       = "MakeRolesWithTheDrillsTag"
    actions   = ["iam:CreateInstanceProfile", "iam:CreateRole", "iam:TagInstanceProfile", "iam:TagRole"]
    resources = [local.profile, local.runner]

    condition {
      test     = "Null"
      variable = "aws:RequestTag/drproof:drill"
      values   = ["false"]
    }
  }

  # A role that may attach any policy and be passed is whoever it wants to be. Not by the tag of the role: what was made a
  # moment ago does not carry it everywhere yet.
  statement {
    sid       = "GiveItOnePolicy"
    actions   = ["iam:AttachRolePolicy"]
    resources = [local.runner]

    condition {
      test     = "ArnEquals"
      variable = "iam:PolicyARN"
      values   = ["${local.arn}:iam::aws:policy/AmazonSSMManagedInstanceCore"]
    }
  }

  statement {
    sid       = "TakeItsPolicyBack"
    actions   = ["iam:DetachRolePolicy"]
    resources = [local.runner]

    condition {
      test     = "ArnEquals"
      variable = "iam:PolicyARN"
      values   = ["${local.arn}:iam::aws:policy/AmazonSSMManagedInstanceCore"]
    }

    condition {
      test     = "Null"
      variable = local.drill_is
      values   = ["false"]
    }
  }

  # The one that lets the workload read: somebody else made it, and it is named here.
  dynamic "statement" {
    for_each = var.dr_machine_policy_arn == "" ? [] : [var.dr_machine_policy_arn]

    content {
      sid       = "GiveItTheNamedPolicy"
      actions   = ["iam:AttachRolePolicy"]
      resources = [local.runner]

      condition {
        test     = "ArnEquals"
        variable = "iam:PolicyARN"
        values   = [statement.value]
      }
    }
  }

  dynamic "statement" {
    for_each = var.dr_machine_policy_arn == "" ? [] : [var.dr_machine_policy_arn]

    content {
      sid       = "TakeTheNamedPolicyBack"
      actions   = ["iam:DetachRolePolicy"]
      resources = [local.runner]

      condition {
        test     = "ArnEquals"
        variable = "iam:PolicyARN"
        values   = [statement.value]
      }

      condition {
        test     = "Null"
        variable = local.drill_is
        values   = ["false"]
      }
    }
  }

  # Somebody else's role may begin with the name of the machine's.
  statement {
    sid       = "RemoveOnlyRolesThatADrillMarked"
    actions   = ["iam:DeleteInstanceProfile", "iam:DeleteRole", "iam:RemoveRoleFromInstanceProfile"]
    resources = [local.profile, local.runner]

    condition {
      test     = "Null"
      variable = local.drill_is
      values   = ["false"]
    }
  }

  statement {
    sid       = "PassItToMachines"
    actions   = ["iam:PassRole"]
    resources = [local.runner]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ec2.amazonaws.com"]
    }
  }

  statement {
    sid       = "PutItIntoItsProfile"
    actions   = ["iam:AddRoleToInstanceProfile"]
    resources = [local.profile]
  }

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.builds.arn}:*"]
  }
}

resource "aws_iam_role_policy" "builds" {
  name   = "builds"
  role   = aws_iam_role.builds.id
  policy = data.aws_iam_policy_document.builds.json
}
