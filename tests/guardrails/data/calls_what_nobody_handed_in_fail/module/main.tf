module "runner" {
  source = "terraform-aws-modules/ec2-instance/aws"
}
