# The whole module with every option, for infra/terraform/apply-on-moto, which puts the provider beside it.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

variable "update_zip" {
  description = "Any zip: moto does not look into it."
  type        = string
}

resource "aws_kms_key" "this" {
  description = "sigcache"
}

resource "aws_secretsmanager_secret" "token" {
  name = "token"
}

module "sigcache" {
  source = "../.."

  name               = "sigcache"
  release_keys       = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
  update_zip         = var.update_zip
  log_retention_days = 30

  store_root    = "cache"
  kms_key_arn   = aws_kms_key.this.arn
  force_destroy = true

  config_file = "${path.module}/../../examples/complete/sigcache.toml"
  environment = {
    SIGCACHE_TOKEN = "aws-secret:${aws_secretsmanager_secret.token.arn}"
    OTHER          = "aws-ssm:/sigcache/other"
  }
  secret_kms_key_arns = [aws_kms_key.this.arn]

  url    = "NONE"
  queue  = true
  shards = 3
  canary = "10%:2m,50%:2m"

  alarm_emails  = ["operations@example.org"]
  alert_emails  = ["operations@example.org"]
  result_emails = ["operations@example.org"]
}

output "chain" {
  description = "For the look at what was made."
  value       = module.sigcache.chain
}

output "url" {
  description = "For the look at what was made."
  value       = module.sigcache.url
}
