"""How fast a cluster lives: Kubernetes' own delays, or the same delays in the same order, compressed for rehearsals."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Delays in seconds."""

    backoff_first: float
    """Before the second restart of a container that crashed (the first is at once), and of a failed Job's next pod."""
    backoff_max: float
    """The longest delay between restarts of a container."""
    job_backoff_max: float
    """The longest delay between the pods of a failing Job."""
    image_backoff_first: float
    """Between the first failed pull and the second."""
    image_backoff_max: float
    """The longest delay between pulls."""
    mount_retry: float
    """Between looks at a ConfigMap or Secret that is missing."""
    account: float
    """Between a new namespace and its ServiceAccount."""
    sync: float
    """How long a state that Kubernetes passes through is at least to be seen (ErrImagePull, ContainerCreating)."""
    grace_max: float
    """The longest that SIGTERM is given before SIGKILL, whatever terminationGracePeriodSeconds says."""
    heartbeat: float
    """Between renewals of a node's Lease."""
    resync: float
    """The longest that the loop sleeps: what changed without a trace (a file, a credential) is seen after it."""


COMPRESSED = Pace(
    backoff_first=0.5,
    backoff_max=5.0,
    job_backoff_max=5.0,
    image_backoff_first=0.3,
    image_backoff_max=2.0,
    mount_retry=0.3,
    account=0.0,
    sync=0.05,
    grace_max=1.0,
    heartbeat=10.0,
    resync=5.0,
)
"""For rehearsals and tests. activeDeadlineSeconds and ttlSecondsAfterFinished stay what the manifest says."""

REAL = Pace(
    backoff_first=10.0,
    backoff_max=300.0,
    job_backoff_max=600.0,
    image_backoff_first=10.0,
    image_backoff_max=300.0,
    mount_retry=2.0,
    account=0.1,
    sync=1.0,
    grace_max=float("inf"),
    heartbeat=10.0,
    resync=10.0,
)
"""Kubernetes' own figures (kubelet MaxContainerBackOff 5 min, Job controller back-off 10 s to 10 min)."""
