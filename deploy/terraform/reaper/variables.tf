variable "name" {
  type        = string
  default     = "drproof-reaper"
  description = "The name of the function, its role and its schedule."
}

variable "package" {
  type        = string
  description = "The zip with drproof, its dependencies and a drproof.toml."
}

variable "account_id" {
  type        = string
  description = "The account of the recovery site; nothing is planned in another one."
}

variable "region" {
  type        = string
  description = "The region of the recovery site."
}

variable "runner_name" {
  type        = string
  description = "recovery.runner_name of drproof.toml: the names of a machine's role and instance profile begin with it."
}

variable "recovery_bucket" {
  type        = string
  description = "recovery.bucket of drproof.toml."
}

variable "recovery_prefix" {
  type        = string
  description = "recovery.prefix of drproof.toml."
}

variable "state_bucket" {
  type        = string
  description = "recovery.provisioner.state_bucket of drproof.toml."
}

variable "state_key" {
  type        = string
  description = "recovery.provisioner.state_key of drproof.toml."
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
  description = "Whether it only tells; begin with true, and read the log."
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
