"""What is deployed: Terraform modules and definitions of state machines; installed as `drproof.deploy`."""
