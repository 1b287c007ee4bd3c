variable "enable_triggers" {
  type    = bool
  default = false
}
