resource "aws_launch_template" "runner" {
  instance_requirements {
    vcpu_count {
      min = 2
    }
  }
}
