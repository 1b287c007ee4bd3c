variable "region" {
  type        = string
  default     = "us-east-1"
  description = "The region of the recovery site."
}

variable "expected_account_id" {
  type        = string
  description = "The account of the recovery site; nothing is planned in another one."

  validation {
    condition     = can(regex("^[0-9]{12}$", var.expected_account_id))
    error_message = "An account id has twelve digits."
  }
}

variable "project" {
  type        = string
  description = "How the names of everything here begin."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.project))
    error_message = "project is no name of lower-case letters, digits and hyphens, such as atlas."
  }
}

# What the functions are: written by `drproof package --variables`.

variable "package" {
  type        = string
  description = "The zip that `drproof package` wrote."
}

variable "package_sha256" {
  type        = string
  description = "Its SHA-256, in hexadecimal digits: a zip that was built anew since is refused."

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.package_sha256))
    error_message = "package_sha256 is no SHA-256 of 64 digits."
  }
}

variable "runtime" {
  type        = string
  default     = "python3.13"
  description = "The release of Python that the package was built for."
}

variable "architecture" {
  type        = string
  default     = "arm64"
  description = "The architecture that the package was built for."

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "phase_policy" {
  type        = string
  description = "What the phases need, as JSON: `drproof policy --plan recovery --provisioner codebuild`."

  validation {
    condition     = can(jsondecode(var.phase_policy).Statement) && !can(regex("\"Action\"[^]]*\"[a-z0-9-]*:?\\*\"", var.phase_policy))
    error_message = "phase_policy is no policy, or it allows every action of a service."
  }
}

# The original site, and what is restored from.

variable "primary_account_id" {
  type        = string
  default     = ""
  description = "Its account, sites.primary.account_id of drproof.toml; empty for the recovery site's."
}

variable "primary_region" {
  type        = string
  default     = ""
  description = "Its region, sites.primary.region of drproof.toml; empty for the recovery site's."
}

variable "primary_role_arn" {
  type        = string
  default     = ""
  description = "The role that makes the alarms in its account, assumed by whoever applies; empty where their own credentials are for both."
}

variable "publish_bucket" {
  type        = string
  description = "primary.bucket of drproof.toml: what an alarm is about."
}

variable "publish_prefix" {
  type        = string
  description = "primary.prefix of drproof.toml."
}

variable "backup_uri" {
  type        = string
  description = "The restore point, or empty: then each execution names its own."
  default     = ""

  validation {
    condition     = var.backup_uri == "" || startswith(var.backup_uri, "s3://")
    error_message = "backup_uri must begin with s3://."
  }
}

variable "receipt_bucket" {
  type        = string
  description = "The bucket of receipts.uri in drproof.toml."
}

variable "receipt_prefix" {
  type        = string
  description = "The prefix of receipts.uri."
}

# People.

variable "notification_topic_arn" {
  type        = string
  description = "Whom the orchestrator tells: recovery.topic_arn of drproof.toml."

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:", var.notification_topic_arn))
    error_message = "notification_topic_arn is no ARN of a topic."
  }
}

variable "alarm_topic_arn" {
  type        = string
  default     = ""
  description = "Whom the alarms on the original site tell: a topic of its region that takes messages of CloudWatch; empty for notification_topic_arn."
}

variable "watcher_topic_arn" {
  type        = string
  default     = ""
  description = "Who hears that the watcher failed; empty for notification_topic_arn. A topic that takes nothing is one reason for that: name another."
}

variable "manual_approval_timeout_seconds" {
  type        = number
  default     = 86400
  description = "How long an execution waits for a decision. Silence promotes nothing."
}

# Triggers.

variable "enable_triggers" {
  type        = bool
  default     = false
  description = "Whether the schedule and the actions of the alarms on the original site are on. `pytest -m preflight --verified-drill …` says whether they may be."
}

variable "schedule_expression" {
  type        = string
  default     = "rate(15 minutes)"
  description = "How often detection looks."
}

# The recovery machine, as the builds bring it up.

variable "dr_runner_name" {
  type        = string
  description = "recovery.runner_name of drproof.toml."

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9+=,.@_-]*$", var.dr_runner_name))
    error_message = "dr_runner_name is no beginning of a role's name: an empty one, or one with a *, would let builds take away every role."
  }
}

variable "dr_machine_policy_arn" {
  type        = string
  default     = ""
  description = "machine_policy_arn of recovery.provisioner.variables: the one policy besides that of SSM which builds may give the machine's role."

  validation {
    condition     = var.dr_machine_policy_arn == "" || can(regex("^arn:[a-z-]+:iam::${var.expected_account_id}:policy/[A-Za-z0-9_+=,.@/-]+$", var.dr_machine_policy_arn))
    error_message = "dr_machine_policy_arn is no policy of the recovery account."
  }
}

variable "dr_instance_type" {
  type        = string
  default     = "t4g.medium"
  description = "The type of the machine, recovery.instance_type of drproof.toml: looked at here alone, the functions order the builds by the setting."

  validation {
    condition     = can(regex("^[a-z]+[0-9]+g[a-z]*\\.[a-z0-9]+$", var.dr_instance_type)) || var.allow_non_arm_instance_type
    error_message = "The type is of no ARM family; set allow_non_arm_instance_type where that is meant."
  }
}

variable "allow_non_arm_instance_type" {
  type        = bool
  default     = false
  description = "Whether a machine of another family than ARM is meant."
}

variable "dr_vpc_id" {
  type        = string
  description = "recovery.provisioner.vpc_id of drproof.toml."
}

variable "dr_subnet_id" {
  type        = string
  description = "recovery.provisioner.subnet_id of drproof.toml."
}

# Builds.

variable "codebuild_project" {
  type        = string
  default     = ""
  description = "recovery.provisioner.codebuild.project of drproof.toml; empty for <project>-dr-infra."
}

variable "codebuild_image" {
  type        = string
  default     = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
  description = "What builds run in, with a tag or a digest."

  validation {
    condition     = can(regex("[:@][^/]+$", var.codebuild_image)) && !endswith(var.codebuild_image, ":latest")
    error_message = "codebuild_image names no release; say one with a tag other than latest, or with a digest."
  }
}

variable "codebuild_environment" {
  type        = string
  default     = "ARM_CONTAINER"
  description = "The kind of container that the image is for."
}

variable "codebuild_compute_type" {
  type        = string
  default     = "BUILD_GENERAL1_SMALL"
  description = "How large a build is."
}

variable "codebuild_timeout_minutes" {
  type        = number
  default     = 30
  description = "How long a build may take."
}

variable "codebuild_queued_timeout_minutes" {
  type        = number
  default     = 10
  description = "How long a build may wait for its turn."
}

variable "codebuild_receipts" {
  type        = string
  description = "Where builds leave their receipts: bucket and prefix of recovery.provisioner.codebuild.receipt_uri."

  validation {
    condition     = can(regex("^[a-z0-9.-]{3,63}/[^*]*[^*/]$", var.codebuild_receipts))
    error_message = "codebuild_receipts is no bucket with a prefix, such as atlas-receipts/builds."
  }
}

variable "tf_bundle_bucket" {
  type        = string
  description = "The bucket of the zip with the recovery module."
}

variable "tf_bundle_s3_key" {
  type        = string
  description = "Its key."
}

variable "terraform_zip_arn" {
  type        = string
  default     = ""
  description = "The object with the zip of Terraform itself, where the image has another version; empty for none."
}

# Remote state of the recovery module.

variable "create_tf_backend_resources" {
  type        = bool
  default     = true
  description = "Whether bucket and lock table of the recovery module's state are made here."
}

variable "tf_state_bucket_name" {
  type        = string
  default     = ""
  description = "The bucket; empty for <project>-dr-tfstate-<account>-<region>."
}

variable "tf_state_key" {
  type        = string
  description = "recovery.provisioner.state_key of drproof.toml."

  validation {
    condition     = can(regex("^[^*?]*[^*?/]$", var.tf_state_key))
    error_message = "tf_state_key is no key of one object, such as atlas/recovery.tfstate."
  }
}

variable "tf_lock_table_name" {
  type        = string
  default     = ""
  description = "The lock table; empty for none: the state is locked by an object beside it."
}

variable "import_lock_table" {
  type        = bool
  default     = false
  description = "Whether the lock table is there already: it is taken over rather than collided with."
}

# Functions.

variable "lambda_timeout_seconds" {
  type        = number
  default     = 900
  description = "How long one phase may take in a function."

  validation {
    condition     = var.lambda_timeout_seconds >= 60 && var.lambda_timeout_seconds <= 900
    error_message = "A function runs for 900 seconds at most."
  }
}

variable "lambda_memory_mb" {
  type        = number
  default     = 1024
  description = "How much memory, and so how much processor, a function has."
}

variable "lambda_storage_mb" {
  type        = number
  default     = 2048
  description = "How much disk a function has: a restore point passes through it."
}

variable "function_subnet_ids" {
  type        = list(string)
  default     = []
  description = "The subnets of the function that runs phases, where it must reach AWS through a network of yours; the recovery cluster needs none."
}

variable "function_security_group_ids" {
  type        = list(string)
  default     = []
  description = "Its security groups."
}

variable "log_retention_days" {
  type        = number
  default     = 90
  description = "How long logs are kept."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of everything here."
}
