locals {
  image = var.own == "" ? "ami-0123456789abcdef0" : var.own
}

variable "own" {}
