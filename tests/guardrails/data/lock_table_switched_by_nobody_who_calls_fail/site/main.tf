module "lock" {
  source = "../lock"
}
