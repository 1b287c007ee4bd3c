resource "aws_codebuild_project" "infra" {
  environment {
    image = "aws/codebuild/standard:latest"
  }
}
