# ami = "ami-0123456789abcdef0"
variable "enable_triggers" {
  type    = bool
  default = false
}
