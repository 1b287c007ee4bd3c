"""A small Kubernetes API behind a kubeconfig, with a kubelet whose containers are processes of this machine.

`python -m drproof.embedded.kubernetes --directory DIR` starts it; `Cluster` starts it inside another process. It knows
nothing of who calls it: the standard library, and `cryptography` for its throw-away authority.
"""
