variable "name" {
  type        = string
  default     = "drproof-reaper"
  description = "The name of the function, its role and its schedule."
}

# What the function is: `drproof package` says each of these in its last two lines.

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

# Where it sweeps, as drproof.toml has it.

variable "account_id" {
  type        = string
  description = "The account of the recovery site; nothing is planned in another one."

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id has twelve digits."
  }
}

variable "region" {
  type        = string
  description = "The region of the recovery site."
}

variable "runner_name" {
  type        = string
  description = "recovery.runner_name of drproof.toml: the names of a machine's role and instance profile begin with it."

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9+=,.@_-]*$", var.runner_name))
    error_message = "runner_name is no beginning of a role's name: an empty one, or one with a *, would let the reaper take away every role."
  }
}

variable "recovery_bucket" {
  type        = string
  description = "recovery.bucket of drproof.toml."

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.recovery_bucket))
    error_message = "recovery_bucket is no name of a bucket, such as atlas-recovery."
  }
}

variable "recovery_prefix" {
  type        = string
  description = "recovery.prefix of drproof.toml."

  validation {
    condition     = can(regex("[^/*?]", var.recovery_prefix)) && !can(regex("[*?]", var.recovery_prefix))
    error_message = "recovery_prefix is no prefix, such as atlas/drills: without one the reaper could remove every object of the bucket."
  }
}

variable "state_bucket" {
  type        = string
  description = "recovery.provisioner.state_bucket of drproof.toml."

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket is no name of a bucket, such as atlas-recovery."
  }
}

variable "state_key" {
  type        = string
  description = "recovery.provisioner.state_key of drproof.toml."

  validation {
    condition     = can(regex("^[^*?]*[^*?/]$", var.state_key))
    error_message = "state_key is no key of one object, such as atlas/recovery.tfstate."
  }
}

variable "lock_table" {
  type        = string
  default     = ""
  description = "recovery.provisioner.lock_table of drproof.toml; empty where none is configured."
}

variable "receipts_bucket" {
  type        = string
  default     = ""
  description = "The bucket of receipts.uri; empty where none is configured."
}

variable "receipts_prefix" {
  type        = string
  default     = ""
  description = "The prefix of receipts.uri."
}

variable "schedule" {
  type        = string
  default     = "rate(1 hour)"
  description = "How often it sweeps."
}

variable "older_than" {
  type        = string
  default     = "1h"
  description = "For how long something must have expired."
}

variable "max_deletions" {
  type        = number
  default     = 1000
  description = "More than that is refused before the first is removed."
}

variable "dry_run" {
  type        = bool
  default     = true
  description = "Whether it only tells; begin with true, and call it by hand: what it answers is the record."
}

variable "alarm_topics" {
  type        = list(string)
  default     = []
  description = "Who hears of a sweep that left something."
}

variable "log_retention_days" {
  type        = number
  default     = 90
  description = "How long its log is kept."
}
