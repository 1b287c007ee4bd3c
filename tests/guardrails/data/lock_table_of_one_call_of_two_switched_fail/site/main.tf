variable "make" {
  type    = bool
  default = true
}

module "first" {
  source = "../lock"
  count  = var.make ? 1 : 0
}

module "second" {
  source = "../lock"
}
