"""The statements of the reaper's role: it looks at what carries a mark, and removes what has expired."""

from drproof.targets.aws.role_grants import EC2, EXPIRES, OBJECTS, PROFILE, RUNNER, S3, STATE, TABLE, RoleGrant, log

REAPER = (
    RoleGrant(
        sid="LookAtWhatCarriesATag",
        needed_by="sweep: what is there",
        actions=(
            "ec2:DescribeInstances",
            "ec2:DescribeKeyPairs",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSnapshots",
            "ec2:DescribeTags",
            "ec2:DescribeVolumes",
        ),
    ),
    RoleGrant(
        sid="RemoveOnlyWhatADrillMarked",
        needed_by="sweep: removal",
        actions=(
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteVolume",
            "ec2:TerminateInstances",
        ),
        resources=(EC2 + "instance/*", EC2 + "network-interface/*", EC2 + "security-group/*", EC2 + "volume/*"),
        condition=EXPIRES,
    ),
    RoleGrant(
        sid="LookAtRolesOfMachines",
        needed_by="sweep: what a state alone names",
        actions=("iam:GetInstanceProfile", "iam:GetRole"),
        resources=(PROFILE, RUNNER),
    ),
    RoleGrant(
        sid="RemoveOnlyRolesThatADrillMarked",
        needed_by="sweep: removal",
        actions=(
            "iam:DeleteInstanceProfile",
            "iam:DeleteRole",
            "iam:DetachRolePolicy",
            "iam:RemoveRoleFromInstanceProfile",
        ),
        resources=(PROFILE, RUNNER),
        condition=EXPIRES,
    ),
    RoleGrant(
        sid="ListWhereDrillsWork",
        needed_by="sweep: what is there",
        actions=("s3:ListBucket", "s3:ListBucketVersions"),
        resources=(S3 + "{recovery_bucket}", S3 + "{state_bucket}"),
    ),
    RoleGrant(
        sid="LookAtObjectsOfDrills",
        needed_by="sweep: whose an object is",
        actions=("s3:GetObjectTagging",),
        resources=(OBJECTS,),
    ),
    RoleGrant(
        sid="RemoveOnlyObjectsThatADrillMarked",
        needed_by="sweep: removal",
        actions=("s3:DeleteObject", "s3:DeleteObjectVersion"),
        resources=(OBJECTS,),
    ),
    RoleGrant(
        sid="StateLockAndLease",
        needed_by="sweep: what is up, and who holds it; a dead drill's state and lock go",
        actions=("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject"),
        resources=(STATE, STATE + ".direct.json", STATE + ".drproof-lease", STATE + ".tflock"),
    ),
    RoleGrant(
        sid="WhenALockMayGo",
        needed_by="sweep: when a dead drill's lock may go",
        actions=("s3:GetObjectTagging",),
        resources=(STATE + ".tflock",),
    ),
    RoleGrant(
        sid="HoldTheLease",
        needed_by="sweep: it holds the lease",
        actions=("s3:PutObject", "s3:PutObjectTagging"),
        resources=(STATE + ".drproof-lease",),
    ),
    RoleGrant(
        sid="WhetherAnExecutionRuns",
        needed_by="sweep: whether the holder of the lease still runs",
        actions=("states:DescribeExecution",),
        resources=("arn:{partition}:states:{region}:{account}:execution:*:*",),
    ),
    RoleGrant(
        sid="LookAtTheLockInATable",
        needed_by="sweep: whether Terraform's lock is held",
        actions=("dynamodb:GetItem",),
        resources=(TABLE,),
    ),
    RoleGrant(
        sid="FindDrillsInTheReceipts",
        needed_by="sweep: whether the store knows the drill",
        actions=("s3:ListBucket",),
        resources=(S3 + "{receipt_bucket}",),
        condition={"StringLike": {"s3:prefix": ("{receipt_prefix}/*",)}},
    ),
    RoleGrant(
        sid="ReadWhatADrillAnnounced",
        needed_by="sweep: which objects and machines a drill's journal names",
        actions=("s3:GetObject",),
        resources=(S3 + "{receipt_bucket}/{receipt_prefix}/*/journal/*",),
    ),
    RoleGrant(
        sid="KeepRecords",
        needed_by="sweep: intents and record",
        actions=("s3:PutObject",),
        resources=(S3 + "{receipt_bucket}/{receipt_prefix}/sweep-*",),
    ),
    log("Lambda, for the reaper", "reaper_log"),
)
