locals {
  images = {
    us-west-2 = "ami-0123456789abcdef0"
  }
}
