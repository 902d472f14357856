mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  release_keys = ["untrusted comment: minisign public key 1234\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"]
  update_zip   = "bootstrap.zip"
}

# What is refused, before anything is made.

run "name_in_capitals" {
  command = plan

  variables {
    name = "Sigcache"
  }

  expect_failures = [var.name]
}

run "name_that_begins_with_a_digit" {
  command = plan

  variables {
    name = "1sigcache"
  }

  expect_failures = [var.name]
}

run "name_too_long_for_buckets" {
  command = plan

  variables {
    name = "sigcache-of-the-whole"
  }

  expect_failures = [var.name]
}

run "no_release_key" {
  command = plan

  variables {
    release_keys = []
  }

  expect_failures = [var.release_keys]
}

run "a_private_release_key" {
  command = plan

  variables {
    release_keys = ["untrusted comment: minisign encrypted secret key\nRWRTY0Iyz8kmeAtaXa1PnoWBcKbqTxPoXHSZlRTO0sWB6VdS4Hv4LW6WMi1bSTQiNwQ4hZwAAAACAAAAAAAAAEAAAAAABl5kyJZ3"]
  }

  expect_failures = [var.release_keys]
}

run "half_a_release_key" {
  command = plan

  variables {
    release_keys = ["RWQf6LRCGA9i53mlYecO4IzT51TG"]
  }

  expect_failures = [var.release_keys]
}

run "boundary_that_is_a_name" {
  command = plan

  variables {
    permissions_boundary = "boundary"
  }

  expect_failures = [var.permissions_boundary]
}

run "log_retention_unknown_to_cloudwatch" {
  command = plan

  variables {
    log_retention_days = 100
  }

  expect_failures = [var.log_retention_days]
}

run "store_bucket_as_url" {
  command = plan

  variables {
    store_bucket = "s3://documents"
  }

  expect_failures = [var.store_bucket]
}

run "store_root_with_a_slash" {
  command = plan

  variables {
    store_root = "cache/"
  }

  expect_failures = [var.store_root]
}

run "store_root_with_a_wildcard" {
  command = plan

  variables {
    store_root = "*"
  }

  expect_failures = [var.store_root]
}

run "noncurrent_days_of_nothing" {
  command = plan

  variables {
    noncurrent_days = { uploads = 0 }
  }

  expect_failures = [var.noncurrent_days]
}

run "kms_alias" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-2:111122223333:alias/sigcache"
  }

  expect_failures = [var.kms_key_arn]
}

run "architecture_by_another_name" {
  command = plan

  variables {
    architecture = "amd64"
  }

  expect_failures = [var.architecture]
}

run "config_file_that_is_not_there" {
  command = plan

  variables {
    config_file = "nowhere.toml"
  }

  expect_failures = [var.config_file]
}

run "two_configurations" {
  command = plan

  variables {
    config_file = "examples/complete/sigcache.toml"
    config      = "sigcache.toml"
  }

  expect_failures = [var.config_file]
}

run "config_as_https" {
  command = plan

  variables {
    config = "https://settings.example/sigcache.toml"
  }

  expect_failures = [var.config]
}

run "config_with_a_wildcard" {
  command = plan

  variables {
    config = "s3://settings/*"
  }

  expect_failures = [var.config]
}

run "config_text_too_long" {
  command = plan

  variables {
    config_text = join("", [for line in range(0, 500) : "# line ${line}\n"])
  }

  expect_failures = [var.config_text]
}

run "environment_with_the_configuration" {
  command = plan

  variables {
    environment = { SIGCACHE_CONFIG = "s3://settings/sigcache.toml" }
  }

  expect_failures = [var.environment]
}

run "environment_reserved_by_lambda" {
  command = plan

  variables {
    environment = { AWS_REGION = "eu-west-1" }
  }

  expect_failures = [var.environment]
}

run "secret_by_name" {
  command = plan

  variables {
    environment = { TOKEN = "aws-secret:sigcache-token" }
  }

  expect_failures = [var.environment]
}

run "every_secret" {
  command = plan

  variables {
    environment = { TOKEN = "aws-secret:arn:aws:secretsmanager:eu-west-2:111122223333:secret:*" }
  }

  expect_failures = [var.environment]
}

run "every_parameter" {
  command = plan

  variables {
    environment = { TOKEN = "aws-ssm:/sigcache/*" }
  }

  expect_failures = [var.environment]
}

run "parameter_as_arn" {
  command = plan

  variables {
    environment = { TOKEN = "aws-ssm:arn:aws:ssm:eu-west-2:111122223333:parameter/token" }
  }

  expect_failures = [var.environment]
}

run "kms_alias_of_secrets" {
  command = plan

  variables {
    secret_kms_key_arns = ["alias/aws/secretsmanager"]
  }

  expect_failures = [var.secret_kms_key_arns]
}

run "endpoint_memory_too_small" {
  command = plan

  variables {
    endpoint_memory = 64
  }

  expect_failures = [var.endpoint_memory]
}

run "endpoint_timeout_too_long" {
  command = plan

  variables {
    endpoint_timeout = 901
  }

  expect_failures = [var.endpoint_timeout]
}

run "endpoint_concurrency_of_nothing" {
  command = plan

  variables {
    endpoint_concurrency = 0
  }

  expect_failures = [var.endpoint_concurrency]
}

run "alias_that_is_a_version" {
  command = plan

  variables {
    alias = "1"
  }

  expect_failures = [var.alias]
}

run "alias_that_is_latest" {
  command = plan

  variables {
    alias = "$LATEST"
  }

  expect_failures = [var.alias]
}

run "url_of_an_unknown_kind" {
  command = plan

  variables {
    url = "OPEN"
  }

  expect_failures = [var.url]
}

run "schedule_in_seconds" {
  command = plan

  variables {
    schedule = "rate(30 seconds)"
  }

  expect_failures = [var.schedule]
}

run "schedule_that_aws_refuses" {
  command = plan

  variables {
    schedule = "rate(1 hours)"
  }

  expect_failures = [var.schedule]
}

run "schedule_with_five_fields" {
  command = plan

  variables {
    schedule = "cron(17 * * * *)"
  }

  expect_failures = [var.schedule]
}

run "schedule_window_below_zero" {
  command = plan

  variables {
    schedule_window = -1
  }

  expect_failures = [var.schedule_window]
}

run "no_shards" {
  command = plan

  variables {
    shards = 0
  }

  expect_failures = [var.shards]
}

run "half_a_shard" {
  command = plan

  variables {
    shards = 1.5
  }

  expect_failures = [var.shards]
}

run "update_zip_that_is_a_program" {
  command = plan

  variables {
    update_zip = "bootstrap"
  }

  expect_failures = [var.update_zip]
}

run "update_memory_too_small" {
  command = plan

  variables {
    update_memory = 64
  }

  expect_failures = [var.update_memory]
}

run "update_concurrency_of_two" {
  command = plan

  variables {
    update_concurrency = 2
  }

  expect_failures = [var.update_concurrency]
}

run "canary_without_a_share" {
  command = plan

  variables {
    canary = "2m"
  }

  expect_failures = [var.canary]
}

run "canary_of_everything" {
  command = plan

  variables {
    canary = "100%:2m"
  }

  expect_failures = [var.canary]
}

run "canary_of_twelve_minutes" {
  command = plan

  variables {
    canary = "10%:6m,50%:360s"
  }

  expect_failures = [var.canary]
}

run "canary_alarm_without_a_canary" {
  command = plan

  variables {
    canary_alarm = "front-door"
  }

  expect_failures = [var.canary_alarm]
}

run "probe_every_minute" {
  command = plan

  variables {
    probe = "rate(1 minute)"
  }

  expect_failures = [var.probe]
}

run "probe_less_than_daily" {
  command = plan

  variables {
    probe = "rate(2 days)"
  }

  expect_failures = [var.probe]
}

run "probe_in_too_many_minutes" {
  command = plan

  variables {
    probe = "rate(1500 minutes)"
  }

  expect_failures = [var.probe]
}

run "alarm_email_without_a_place" {
  command = plan

  variables {
    alarm_emails = ["operations"]
  }

  expect_failures = [var.alarm_emails]
}

run "alert_email_without_a_place" {
  command = plan

  variables {
    alert_emails = ["operations"]
  }

  expect_failures = [var.alert_emails]
}

run "result_email_without_a_place" {
  command = plan

  variables {
    result_emails = ["operations"]
  }

  expect_failures = [var.result_emails]
}

run "alarm_action_by_name" {
  command = plan

  variables {
    alarm_actions = ["pager"]
  }

  expect_failures = [var.alarm_actions]
}

run "alarm_period_of_a_second" {
  command = plan

  variables {
    alarm_period = 1
  }

  expect_failures = [var.alarm_period]
}

run "alarm_age_of_a_second" {
  command = plan

  variables {
    alarm_age = 1
  }

  expect_failures = [var.alarm_age]
}

run "alarm_after_nothing" {
  command = plan

  variables {
    alarm_after = 0
  }

  expect_failures = [var.alarm_after]
}
