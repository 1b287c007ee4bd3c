resource "aws_codebuild_project" "infra" {
  environment {
    image = "444455556666.dkr.ecr.us-west-2.amazonaws.com/atlas:1"
  }
}
