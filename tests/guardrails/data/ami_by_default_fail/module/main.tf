variable "image" {
  default = "ami-01234567"
}
