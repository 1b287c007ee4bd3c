"""What a Terraform module's sources say by themselves, before anybody plans."""
