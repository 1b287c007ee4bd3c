variable "make" {
  type    = bool
  default = true
}

module "lock" {
  source          = "../lock"
  make_lock_table = var.make
}
