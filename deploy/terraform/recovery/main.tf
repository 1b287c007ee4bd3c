locals {
  # The names of roles and groups are taken once an account: two drills must not meet in them.
  unique = "${var.name}-${substr(sha1(var.tags["drproof:drill"]), 0, 8)}"
  tags   = merge(var.tags, { Name = var.name })
  image  = var.ami_parameter == "" ? var.ami_id : terraform_data.image[0].output.id
  k3s = {
    binary = var.k3s_url != "" ? var.k3s_url : format(
      "https://github.com/k3s-io/k3s/releases/download/%s/%s",
      urlencode(var.k3s_version),
      can(regex("^[a-z]+[0-9]+g", var.instance_type)) ? "k3s-arm64" : "k3s"
    )
    sha256 = var.k3s_sha256
  }
}

data "aws_partition" "this" {}

data "aws_ssm_parameter" "image" {
  count = var.ami_parameter == "" ? 0 : 1
  name  = var.ami_parameter
}

resource "terraform_data" "image" {
  count = var.ami_parameter == "" ? 0 : 1
  # With the drill's tags: it is the first that is made, and where nothing else is, the state says whose it is.
  input = { id = nonsensitive(data.aws_ssm_parameter.image[0].value), tags = var.tags }

  lifecycle {
    # What the parameter names moves on; what it named for this drill does not.
    ignore_changes = [input]

    precondition {
      condition     = can(regex("^ami-[0-9a-f]{8,17}$", nonsensitive(data.aws_ssm_parameter.image[0].value)))
      error_message = "ami_parameter names no image by its id."
    }
  }
}

data "aws_iam_policy_document" "assumed_by_machines" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "runner" {
  name                 = local.unique
  description          = "The recovery machine: commands through SSM, and what machine_policy_arn lets it read."
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_machines.json
  permissions_boundary = var.permissions_boundary != "" ? var.permissions_boundary : null
  tags                 = local.tags

  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_iam_role_policy_attachment" "ssm" {
  role       = aws_iam_role.runner.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

# Not inline: whoever may write policies into a role and pass it on is whoever it wants to be, and no condition of IAM
# bounds what such a policy says. This one was made by somebody else, and whoever applies this may attach it alone.
resource "aws_iam_role_policy_attachment" "machine" {
  count      = var.machine_policy_arn == "" ? 0 : 1
  role       = aws_iam_role.runner.name
  policy_arn = var.machine_policy_arn
}

resource "aws_iam_instance_profile" "runner" {
  name = local.unique
  role = aws_iam_role.runner.name
  tags = local.tags

  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_security_group" "runner" {
  name        = local.unique
  description = "The recovery machine: the API of its cluster for the operators, HTTPS to the outside."
  vpc_id      = var.vpc_id
  tags        = local.tags

  dynamic "ingress" {
    for_each = var.allowed_cidr == "" ? [] : [var.allowed_cidr]

    content {
      description      = "the API of the recovery cluster"
      protocol         = "tcp"
      from_port        = 6443
      to_port          = 6443
      cidr_blocks      = strcontains(ingress.value, ":") ? [] : [ingress.value]
      ipv6_cidr_blocks = strcontains(ingress.value, ":") ? [ingress.value] : []
    }
  }

  egress {
    description      = "registries, SSM and S3"
    protocol         = "tcp"
    from_port        = 443
    to_port          = 443
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }

  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_instance" "runner" {
  ami                         = local.image
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  vpc_security_group_ids      = [aws_security_group.runner.id]
  iam_instance_profile        = aws_iam_instance_profile.runner.name
  associate_public_ip_address = var.associate_public_ip
  user_data                   = templatefile("${path.module}/templates/user-data.sh.tftpl", { k3s = local.k3s })
  tags                        = local.tags
  # With the request that starts the machine. Tags of the block itself would be a request of their own, after it: a
  # disk that is made without the drill's tag, which the roles that apply this are not allowed.
  volume_tags = local.tags

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = var.metadata_hop_limit
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = var.root_volume_gb
  }

  lifecycle {
    # A later window names a later expiry, and a bill of materials may have moved on: the machine that is up stays.
    ignore_changes = [ami, user_data, tags, tags_all, volume_tags]
  }

  depends_on = [aws_iam_role_policy_attachment.ssm, aws_iam_role_policy_attachment.machine]
}
