variable "enable_triggers" {
  type    = bool
  default = true
}
