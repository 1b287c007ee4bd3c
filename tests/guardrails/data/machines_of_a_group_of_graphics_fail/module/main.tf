resource "aws_eks_node_group" "nodes" {
  instance_types = ["m7g.large", "g4dn.xlarge"]
}
