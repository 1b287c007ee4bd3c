resource "aws_codebuild_project" "infra" {
  environment {
    image = data.aws_ecr_image.atlas.image_uri
  }
}
