variable "region" {
  description = "The region of the recovery site."
  type        = string
}

variable "account_id" {
  description = "The account of the recovery site; any other account's credentials are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id has twelve digits."
  }
}

variable "name" {
  description = "What the machine is called, and how the names of everything beside it begin."
  type        = string
  default     = "recovery-runner"
}

variable "tags" {
  description = "The tags of everything that is made; those of the drill and of its expiry are demanded."
  type        = map(string)

  validation {
    condition     = alltrue([for key in ["drproof:drill", "drproof:expires-at"] : lookup(var.tags, key, "") != ""])
    error_message = "The tags drproof:drill and drproof:expires-at are missing: nobody could find and remove what is made."
  }
}

variable "vpc_id" {
  description = "The network of the recovery site."
  type        = string
}

variable "subnet_id" {
  description = "The subnet of the machine."
  type        = string
}

variable "allowed_cidr" {
  description = "Who may reach the cluster's API on port 6443; empty for nobody. Commands reach the machine through SSM."
  type        = string
  default     = ""

  validation {
    condition     = var.allowed_cidr == "" || can(cidrhost(var.allowed_cidr, 0))
    error_message = "allowed_cidr is no CIDR block."
  }

  validation {
    condition     = !contains(["0.0.0.0/0", "::/0"], var.allowed_cidr)
    error_message = "allowed_cidr lets everybody in; name the addresses from which the drill is run."
  }
}

variable "associate_public_ip" {
  description = "Whether the machine has a public address."
  type        = bool
  default     = true
}

variable "instance_type" {
  description = "The type of the machine."
  type        = string
  default     = "t4g.medium"

  validation {
    condition     = can(regex("^[a-z]+[0-9]+g[a-z]*\\.[a-z0-9]+$", var.instance_type)) || var.allow_non_arm_instance_type
    error_message = "The type is of no ARM family; set allow_non_arm_instance_type where that is meant."
  }
}

variable "allow_non_arm_instance_type" {
  description = "Whether a machine of another family than ARM is meant; the image must be for it."
  type        = bool
  default     = false
}

variable "ami_id" {
  description = "The image of the machine, by its id: a name or the newest of a family would be another one tomorrow."
  type        = string
  default     = ""

  validation {
    condition     = var.ami_id == "" || can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id is no id of an image, such as ami-0123456789abcdef0."
  }

  validation {
    condition     = (var.ami_id == "") != (var.ami_parameter == "")
    error_message = "Exactly one of ami_id and ami_parameter names the image."
  }
}

variable "ami_parameter" {
  description = "A parameter of SSM that names the image instead; it is read once, and what it said then stays in the state."
  type        = string
  default     = ""

  validation {
    condition     = var.ami_parameter == "" || can(regex("^/[A-Za-z0-9_./-]+$", var.ami_parameter))
    error_message = "ami_parameter is no name of a parameter, such as /aws/service/canonical/…/ami-id."
  }
}

variable "root_volume_gb" {
  description = "The size of the machine's disk."
  type        = number
  default     = 20
}

variable "k3s_version" {
  description = "The release of k3s that makes the recovery cluster."
  type        = string
  default     = "v1.31.5+k3s1"

  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+\\+k3s[0-9]+$", var.k3s_version))
    error_message = "k3s_version is no release of k3s, such as v1.31.5+k3s1."
  }
}

variable "k3s_url" {
  description = "Where the binary of that release is fetched from; empty for the project's own releases."
  type        = string
  default     = ""

  validation {
    condition     = var.k3s_url == "" || startswith(var.k3s_url, "https://")
    error_message = "k3s_url must begin with https://."
  }
}

variable "k3s_sha256" {
  description = "The SHA-256 of that binary for the machine's architecture; the machine starts no other."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.k3s_sha256))
    error_message = "k3s_sha256 is no SHA-256: 64 digits, as the release's checksum file has them."
  }
}

variable "permissions_boundary" {
  description = "The ARN of the policy that bounds the machine's role; empty for none."
  type        = string
  default     = ""
}

variable "machine_policy_arn" {
  description = "The ARN of one more policy of the machine's role: what the workload on it may read; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = var.machine_policy_arn == "" || can(regex("^arn:[a-z-]+:iam::${var.account_id}:policy/[A-Za-z0-9_+=,.@/-]+$", var.machine_policy_arn))
    error_message = "machine_policy_arn is no policy of the recovery account; those of AWS let the machine do more than a drill needs."
  }
}

variable "metadata_hop_limit" {
  description = "How far from the machine its metadata, and so its role, can be asked: 1 for the machine itself, 2 for its pods as well."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2], var.metadata_hop_limit)
    error_message = "metadata_hop_limit is 1, or 2 where pods that are not in the machine's own network ask."
  }
}
