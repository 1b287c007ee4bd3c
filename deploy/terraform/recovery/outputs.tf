output "instance_id" {
  description = "The recovery machine."
  value       = aws_instance.runner.id
}

output "public_ip" {
  description = "Its public address; empty where it has none."
  value       = aws_instance.runner.public_ip
}

output "private_ip" {
  description = "Its address in the network of the recovery site."
  value       = aws_instance.runner.private_ip
}

output "security_group_id" {
  description = "The group that says who may reach it."
  value       = aws_security_group.runner.id
}

output "kubeconfig_hint" {
  description = "Where the kubeconfig of the recovery cluster lies on the machine."
  value       = "/etc/rancher/k3s/k3s.yaml"
}

output "ami_id" {
  description = "The image that it was started from, by its id."
  value       = local.image
}
