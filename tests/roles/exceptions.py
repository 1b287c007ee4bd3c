"""Where what a role is granted and what was asked for as it differ, each with its reason."""

from collections.abc import Mapping

LOGGED = "Lambda and CodeBuild write their logs as the role; the embedded world writes them itself"
DELIVERED = "Step Functions sets up the delivery of its log as the role when the machine is made, and nobody calls it"
RULED = "Step Functions manages the rule of `.sync` as the role; the embedded one looks at the build instead"
UNSEEN: Mapping[str, Mapping[str, str]] = {
    "builds": {
        "ec2:RevokeSecurityGroupIngress": "a later window may name another allowed_cidr; the group's rule is then changed",
        "dynamodb:DescribeTable": "Terraform documents it for a lock in a table; its release 1.11 did not ask for it",
        "logs:CreateLogStream": LOGGED,
        "logs:PutLogEvents": LOGGED,
        "s3:GetObjectVersion": "the buildspec fetches the module by --version-id; the log does not say versions",
    },
    "function": {
        "logs:CreateLogStream": LOGGED,
        "logs:PutLogEvents": LOGGED,
        "s3:GetBucketLocation": "asked only where HeadBucket does not say the region, which the embedded one does",
        "s3:GetObjectVersion": "objects are read by the version that was listed or stored; the log does not say versions",
        "s3:PutObjectRetention": "retention is set by the put itself, where the bucket has Object Lock",
        "s3:PutObjectTagging": "tags are set by the put itself; the log does not say them",
        "ssm:CancelCommand": "a command that does not end in its time is cancelled; none of these takes that long",
        "ssm:ListCommands": "a command whose sending nobody answered is looked for; none of these answers is lost",
    },
    "machine": {
        "events:DescribeRule": RULED,
        "events:PutRule": RULED,
        "events:PutTargets": RULED,
        "logs:CreateLogDelivery": DELIVERED,
        "logs:DeleteLogDelivery": DELIVERED,
        "logs:DescribeLogGroups": DELIVERED,
        "logs:DescribeResourcePolicies": DELIVERED,
        "logs:GetLogDelivery": DELIVERED,
        "logs:ListLogDeliveries": DELIVERED,
        "logs:PutResourcePolicy": DELIVERED,
        "logs:UpdateLogDelivery": DELIVERED,
    },
    "reaper": {
        "s3:PutObjectTagging": "the lease is put with its tags; the log does not say them",
        "logs:CreateLogStream": LOGGED,
        "logs:PutLogEvents": LOGGED,
    },
    "schedule": {
        "states:StartExecution": "the rules of the embedded world call nobody; EventBridge starts the machine"
    },
    "watcher": {
        "logs:CreateLogStream": LOGGED,
        "logs:PutLogEvents": LOGGED,
    },
}
"""What no log shows and has to stay."""

TOLERATED: Mapping[str, Mapping[str, str]] = {
    "builds": {
        "ec2:ModifyInstanceAttribute": "the AWS provider ends a machine whose protection it may not take away; it warns",
        "iam:GetUser": "the AWS provider asks first who it is, and takes the answer of STS where that is denied",
    },
}
"""What is asked for as a role and may be denied: who asks goes on without it."""
