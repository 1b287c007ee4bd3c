variable "runner_instance_type" {
  default = "m5.large"
}
