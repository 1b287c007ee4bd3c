resource "aws_eks_node_group" "runner" {
  cluster_name = "atlas"
}
