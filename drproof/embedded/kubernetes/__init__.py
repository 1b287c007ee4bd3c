"""A Kubernetes for tests and rehearsals: a faithful API server over TLS, and the life behind it.

It stands beside the house: it imports nothing of drproof outside this package, and drproof reaches it as clients
reach any cluster, through a kubeconfig.

What it does not do: RBAC (its one user is the administrator), webhooks, PodSecurity, enforcement of quotas and limit
ranges, custom resources, protobuf, exec, port-forward, metrics, token volumes of ServiceAccounts. It never answers
for a real cluster.
"""
