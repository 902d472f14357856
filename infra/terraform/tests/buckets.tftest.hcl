mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  release_keys = ["untrusted comment: minisign public key 1234\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"]
  update_zip   = "placeholder/placeholder.zip"
}

run "every_bucket_is_closed" {
  command = plan

  variables {
    config_file = "examples/complete/sigcache.toml"
  }

  assert {
    condition     = sort(keys(aws_s3_bucket.this)) == tolist(["config", "releases", "store", "uploads"])
    error_message = "there are other buckets"
  }

  assert {
    condition = alltrue([
      for use in keys(aws_s3_bucket.this) : (
        aws_s3_bucket_public_access_block.this[use].block_public_acls && aws_s3_bucket_public_access_block.this[use].block_public_policy &&
        aws_s3_bucket_public_access_block.this[use].ignore_public_acls && aws_s3_bucket_public_access_block.this[use].restrict_public_buckets &&
        aws_s3_bucket_ownership_controls.this[use].rule[0].object_ownership == "BucketOwnerEnforced" &&
        one(aws_s3_bucket_server_side_encryption_configuration.this[use].rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256" &&
        jsondecode(aws_s3_bucket_policy.tls[use].policy).Statement[0].Effect == "Deny" &&
        jsondecode(aws_s3_bucket_policy.tls[use].policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false" &&
        jsondecode(aws_s3_bucket_policy.tls[use].policy).Statement[0].Resource == ["arn:aws:s3:::sigcache-111122223333-eu-west-2-${use}", "arn:aws:s3:::sigcache-111122223333-eu-west-2-${use}/*"] &&
        !aws_s3_bucket.this[use].force_destroy
      )
    ])
    error_message = "a bucket is open, not encrypted, or takes requests without TLS"
  }

  assert {
    condition     = sort(keys(aws_s3_bucket_versioning.this)) == tolist(["config", "releases", "store", "uploads"]) && alltrue([for versioning in aws_s3_bucket_versioning.this : versioning.versioning_configuration[0].status == "Enabled"])
    error_message = "a bucket is not versioned"
  }

  assert {
    condition     = alltrue([for lifecycle in aws_s3_bucket_lifecycle_configuration.this : one([for rule in lifecycle.rule : rule if rule.id == "parts"]).abort_incomplete_multipart_upload[0].days_after_initiation == 2])
    error_message = "parts of uploads stay forever"
  }

  assert {
    condition = { for use, lifecycle in aws_s3_bucket_lifecycle_configuration.this : use => one([for rule in lifecycle.rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "noncurrent"]) } == {
      config = 365, releases = 365, store = 30, uploads = 30
    }
    error_message = "what was replaced or deleted is kept for another time"
  }

  assert {
    condition     = alltrue([for lifecycle in aws_s3_bucket_lifecycle_configuration.this : one([for rule in lifecycle.rule : rule.expiration[0].expired_object_delete_marker if rule.id == "noncurrent"])])
    error_message = "the marker of each deletion stays forever"
  }

  assert {
    condition     = strcontains(aws_s3_object.config[0].content, "url = \"s3://sigcache-111122223333-eu-west-2-store\"") && strcontains(aws_s3_object.config[0].content, "sns = \"arn:aws:sns:eu-west-2:111122223333:sigcache-alerts\"")
    error_message = "the names in the configuration were not filled in: ${aws_s3_object.config[0].content}"
  }
}

run "with_a_key_of_ones_own" {
  command = plan

  variables {
    kms_key_arn     = "arn:aws:kms:eu-west-2:111122223333:key/1"
    noncurrent_days = { store = 7 }
  }

  assert {
    condition = alltrue([
      for encryption in aws_s3_bucket_server_side_encryption_configuration.this : (
        one(encryption.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" &&
        one(encryption.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == "arn:aws:kms:eu-west-2:111122223333:key/1" &&
        one(encryption.rule).bucket_key_enabled
      )
    ])
    error_message = "a bucket is not encrypted with the key that was given"
  }

  assert {
    condition     = contains(keys(aws_s3_bucket_versioning.this), "store") && one([for rule in aws_s3_bucket_lifecycle_configuration.this["store"].rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "noncurrent"]) == 7
    error_message = "the store is not versioned"
  }
}

run "a_store_without_versions" {
  command = plan

  variables {
    store_versioned = false
  }

  assert {
    condition     = sort(keys(aws_s3_bucket_versioning.this)) == tolist(["releases", "uploads"]) && [for rule in aws_s3_bucket_lifecycle_configuration.this["store"].rule : rule.id] == ["parts"]
    error_message = "the store is versioned though it should not be"
  }
}

run "an_existing_store" {
  command = plan

  variables {
    store_bucket = "documents"
  }

  assert {
    condition     = !contains(keys(aws_s3_bucket.this), "store") && !contains(keys(aws_s3_bucket_policy.tls), "store") && !contains(keys(aws_s3_bucket_lifecycle_configuration.this), "store")
    error_message = "a bucket that was there before is changed"
  }

  assert {
    condition     = output.store_bucket == "documents"
    error_message = "the store is another bucket"
  }
}
