# By what the alarms on the original site are set; `drproof package --variables` writes most of them.

variable "metric_namespace" {
  type        = string
  default     = ""
  description = "primary.metrics.namespace of drproof.toml; empty for no alarms: the site has some, or whoever applies does not reach it."
}

variable "metric_dimensions" {
  type        = map(string)
  default     = {}
  description = "primary.metrics.dimensions of drproof.toml."
}

variable "freshness_metric" {
  type        = string
  default     = ""
  description = "primary.age_metric of drproof.toml; empty for no alarm on age."
}

variable "freshness_unit_seconds" {
  type        = number
  default     = 3600
  description = "primary.age_unit of drproof.toml: what a 1 of that metric means."
}

variable "max_freshness_hours" {
  type        = number
  description = "primary.freshness_limit of drproof.toml: when the age of what was published is an alarm. Below what the schedule of the site allows it goes off on a healthy day."
}

variable "fault_values" {
  type        = map(string)
  default     = {}
  description = "primary.fault_values of drproof.toml: an alarm for each metric, halfway to what it says at a fault."

  validation {
    condition     = alltrue([for value in values(var.fault_values) : can(tonumber(value))])
    error_message = "fault_values are numbers, such as { PublishCorrectness = \"1\" }."
  }
}

variable "alarm_period_seconds" {
  type        = number
  default     = 0
  description = "The period of the alarms, not shorter than primary.metrics_every of drproof.toml: an alarm that looks more often finds nothing and tells of that."

  validation {
    condition     = var.alarm_period_seconds % 60 == 0 && var.alarm_period_seconds >= 0
    error_message = "alarm_period_seconds is no whole number of minutes."
  }
}

variable "alarm_evaluation_periods" {
  type        = number
  default     = 1
  description = "How many periods must breach."
}

variable "alarm_missing_data" {
  type        = string
  default     = "missing"
  description = "What an alarm makes of silence; with missing, people are told that it has no data, and with breaching, that the site is at fault."

  validation {
    condition     = contains(["breaching", "missing"], var.alarm_missing_data)
    error_message = "alarm_missing_data is one of breaching, missing: an alarm that ignores silence takes it for health."
  }
}
