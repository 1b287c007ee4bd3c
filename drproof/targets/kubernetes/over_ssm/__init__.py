"""The recovery cluster through kubectl on its machine, over Systems Manager: no kubeconfig leaves the machine."""
