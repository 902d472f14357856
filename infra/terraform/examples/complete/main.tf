# The whole of it for one team: a function URL, a queue, canary steps, alarms by e-mail. infra/README.md goes through it step
# by step. Beside this file lie sigcache.toml, release.pub, and terraform.tfvars with what is the team's own:
#
#     terraform init && terraform apply
#     terraform output -json chain > chain.json
#     sigcache deploy ../../../../target/lambda/sigcache-endpoint/bootstrap.zip --key ~/.sigcache/release.key.pem --chain chain.json

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }

  # A team keeps its state in a bucket of its own:
  # backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { service = "sigcache" }
  }
}

variable "name" {
  description = "Begins the name of everything that is made, so that there can be several in one account."
  type        = string
  default     = "sigcache"
}

variable "region" {
  description = "Where everything is made."
  type        = string
  default     = "eu-west-2"
}

variable "architecture" {
  description = "What the artifacts were built for: arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "release_key" {
  description = "Path of the public key of those who sign releases: sigcache keygen ~/.sigcache/release --algorithm ed25519 --minisign."
  type        = string
  default     = "release.pub"
}

variable "update_zip" {
  description = "Path of the update function's artifact, which must be there when the function is made."
  type        = string
  default     = "../../../../target/lambda/sigcache-update/bootstrap.zip"
}

variable "emails" {
  description = "Who is told of alarms, of documents and of updates."
  type        = list(string)
  default     = []
}

variable "update_concurrency" {
  description = "-1 in a new account whose limit leaves nothing to reserve."
  type        = number
  default     = 1
}

variable "force_destroy" {
  description = "Whether terraform destroy also takes buckets with everything in them. It must be applied before."
  type        = bool
  default     = false
}

# What POST /sync must show. Terraform makes a first value; it stands in the state. Destroyed, it is gone at once: a token can
# be made anew and need not be restored, and while AWS keeps a secret to be restored, nothing else can have its name.
resource "aws_secretsmanager_secret" "token" {
  name                    = "${var.name}-token"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "token" {
  secret_id     = aws_secretsmanager_secret.token.id
  secret_string = base64sha256("${aws_secretsmanager_secret.token.arn} ${uuid()}")

  lifecycle {
    ignore_changes = [secret_string]
  }
}

module "sigcache" {
  # In a copy elsewhere: git::https://github.com/sigcache/sigcache//infra/terraform?ref=COMMIT, or the path of a checkout.
  source = "../.."

  name          = var.name
  architecture  = var.architecture
  release_keys  = [file(var.release_key)]
  update_zip    = var.update_zip
  force_destroy = var.force_destroy

  config_file = "${path.module}/sigcache.toml"
  environment = { SIGCACHE_TOKEN = "aws-secret:${aws_secretsmanager_secret.token.arn}" }

  url    = "NONE"
  queue  = true
  shards = 1

  canary             = "10%:2m,50%:2m"
  update_concurrency = var.update_concurrency

  alarm_emails  = var.emails
  alert_emails  = var.emails
  result_emails = var.emails
}

output "chain" {
  description = "For sigcache doctor --aws and sigcache deploy."
  value       = module.sigcache.chain
}

output "url" {
  description = "Where readers find it."
  value       = module.sigcache.url
}

output "token_secret" {
  description = "The secret with the token for POST /sync."
  value       = aws_secretsmanager_secret.token.name
}

output "doctor_policy" {
  description = "For the role that looks."
  value       = module.sigcache.doctor_policy
}

output "endpoint_version" {
  description = "The newest version that Terraform published."
  value       = module.sigcache.endpoint_version
}

output "deploy_policy" {
  description = "For the role that deploys."
  value       = module.sigcache.deploy_policy
}
