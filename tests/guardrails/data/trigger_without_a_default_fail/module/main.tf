variable "enable_triggers" {
  type = bool
}
