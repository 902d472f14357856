mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  release_keys = ["untrusted comment: minisign public key 1234\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"]
  update_zip   = "placeholder/placeholder.zip"
}

# What is refused, before anything is made. A run takes a second or two, so each holds a mistake in many variables: all
# those that are listed must be refused, and nothing else may be. Where a condition looks at other variables, these are sound.

run "first_mistakes" {
  command = plan

  variables {
    # name in capitals
    name = "Sigcache"
    # no release key
    release_keys = []
    # boundary that is a name
    permissions_boundary = "boundary"
    # log retention unknown to cloudwatch
    log_retention_days = 100
    # store bucket as url
    store_bucket = "s3://documents"
    # store root with a slash
    store_root = "cache/"
    # noncurrent days of nothing
    noncurrent_days = { uploads = 0 }
    # kms alias
    kms_key_arn = "arn:aws:kms:eu-west-2:111122223333:alias/sigcache"
    # architecture by another name
    architecture = "amd64"
    # config as https
    config = "https://settings.example/sigcache.toml"
    # config text too long
    config_text = join("", [for line in range(0, 500) : "# line ${line}\n"])
    # environment with the configuration
    environment = { SIGCACHE_CONFIG = "s3://settings/sigcache.toml" }
    # kms alias of secrets
    secret_kms_key_arns = ["alias/aws/secretsmanager"]
    # endpoint memory too small
    endpoint_memory = 64
    # endpoint timeout too long
    endpoint_timeout = 901
    # endpoint concurrency of nothing
    endpoint_concurrency = 0
    # alias that is a version
    alias = "1"
    # url of an unknown kind
    url = "OPEN"
    # schedule in seconds
    schedule = "rate(30 seconds)"
    # schedule window below zero
    schedule_window = -1
    # no shards
    shards = 0
    # update zip that is a program
    update_zip = "bootstrap"
    # update memory too small
    update_memory = 64
    # update concurrency of two
    update_concurrency = 2
    # canary without a share
    canary = "2m"
    # probe every minute
    probe = "rate(1 minute)"
    # alarm email without a place
    alarm_emails = ["operations"]
    # alert email without a place
    alert_emails = ["operations"]
    # result email without a place
    result_emails = ["operations"]
    # alarm action by name
    alarm_actions = ["pager"]
    # alarm age of a second
    alarm_age = 1
    # alarm after nothing
    alarm_after = 0
  }

  expect_failures = [
    var.name,
    var.release_keys,
    var.permissions_boundary,
    var.log_retention_days,
    var.store_bucket,
    var.store_root,
    var.noncurrent_days,
    var.kms_key_arn,
    var.architecture,
    var.config,
    var.config_text,
    var.environment,
    var.secret_kms_key_arns,
    var.endpoint_memory,
    var.endpoint_timeout,
    var.endpoint_concurrency,
    var.alias,
    var.url,
    var.schedule,
    var.schedule_window,
    var.shards,
    var.update_zip,
    var.update_memory,
    var.update_concurrency,
    var.canary,
    var.probe,
    var.alarm_emails,
    var.alert_emails,
    var.result_emails,
    var.alarm_actions,
    var.alarm_age,
    var.alarm_after,
  ]
}

run "second_mistakes" {
  command = plan

  variables {
    # name that begins with a digit
    name = "1sigcache"
    # a private release key
    release_keys = ["untrusted comment: minisign encrypted secret key\nRWRTY0Iyz8kmeAtaXa1PnoWBcKbqTxPoXHSZlRTO0sWB6VdS4Hv4LW6WMi1bSTQiNwQ4hZwAAAACAAAAAAAAAEAAAAAABl5kyJZ3"]
    # store root with a wildcard
    store_root = "*"
    # config with a wildcard
    config = "s3://settings/*"
    # environment reserved by lambda
    environment = { AWS_REGION = "eu-west-1" }
    # alias that is latest
    alias = "$LATEST"
    # schedule that aws refuses
    schedule = "rate(1 hours)"
    # half a shard
    shards = 1.5
    # canary of everything
    canary = "100%:2m"
    # probe less than daily
    probe = "rate(2 days)"
  }

  expect_failures = [
    var.name,
    var.release_keys,
    var.store_root,
    var.config,
    var.environment,
    var.alias,
    var.schedule,
    var.shards,
    var.canary,
    var.probe,
  ]
}

run "third_mistakes" {
  command = plan

  variables {
    # config file that is not there
    config_file = "nowhere.toml"
    # name too long for buckets
    name = "sigcache-of-the-whole"
    # half a release key
    release_keys = ["RWQf6LRCGA9i53mlYecO4IzT51TG"]
    # secret by name
    environment = { TOKEN = "aws-secret:sigcache-token" }
    # schedule with five fields
    schedule = "cron(17 * * * *)"
    # canary of twelve minutes
    canary = "10%:6m,50%:360s"
    # probe in too many minutes
    probe = "rate(1500 minutes)"
  }

  expect_failures = [
    var.config_file,
    var.name,
    var.release_keys,
    var.environment,
    var.schedule,
    var.canary,
    var.probe,
  ]
}

run "fourth_mistakes" {
  command = plan

  variables {
    # schedule less than daily
    schedule = "rate(2 days)"
    # canary that falls
    canary = "50%:2m,10%:2m"
    # two configurations
    config_file = "examples/complete/sigcache.toml"
    config      = "sigcache.toml"
    # every secret
    environment = { TOKEN = "aws-secret:arn:aws:secretsmanager:eu-west-2:111122223333:secret:*" }
  }

  expect_failures = [
    var.schedule,
    var.canary,
    var.config_file,
    var.environment,
  ]
}

run "fifth_mistakes" {
  command = plan

  variables {
    # schedule in too many minutes
    schedule = "rate(1500 minutes)"
    # every parameter
    environment = { TOKEN = "aws-ssm:/sigcache/*" }
  }

  expect_failures = [
    var.schedule,
    var.environment,
  ]
}

run "sixth_mistakes" {
  command = plan

  variables {
    # parameter as arn
    environment = { TOKEN = "aws-ssm:arn:aws:ssm:eu-west-2:111122223333:parameter/token" }
    # alarm period that is no whole minutes
    alarm_period = 3601
    # canary alarm with a wildcard
    canary       = "10%:2m"
    canary_alarm = "*"
  }

  expect_failures = [
    var.environment,
    var.canary_alarm,
    var.alarm_period,
  ]
}

run "seventh_mistakes" {
  command = plan

  variables {
    # environment with the shards
    environment = { SIGCACHE_SHARDS = "2" }
    # canary alarm without a canary
    canary_alarm = "front-door"
    # cron without a period
    schedule = "cron(17 6 * * ? *)"
  }

  expect_failures = [
    var.environment,
    var.canary_alarm,
    var.alarm_period,
  ]
}

run "eighth_mistakes" {
  command = plan

  variables {
    # canary step shorter than the period of its alarm
    canary = "10%:2m,50%:59s"
    # alarm period shorter than the rate
    schedule     = "rate(1 hour)"
    alarm_period = 3540
  }

  expect_failures = [
    var.canary,
    var.alarm_period,
  ]
}

run "ninth_mistakes" {
  command = plan

  variables {
    # canary alarm as arn
    canary       = "10%:2m"
    canary_alarm = "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:front-door"
    # alarm period shorter than the window
    schedule        = "rate(5 minutes)"
    schedule_window = 15
    alarm_period    = 600
  }

  expect_failures = [
    var.canary_alarm,
    var.alarm_period,
  ]
}

run "an_update_function_of_nothing" {
  command = plan

  variables {
    # update zip that is not there
    update_zip = "nowhere.zip"
  }

  expect_failures = [
    aws_lambda_function.update,
  ]
}

run "an_update_function_that_is_there_needs_no_zip" {
  command = plan

  override_data {
    target = data.aws_lambda_functions.all
    values = { function_names = ["another", "sigcache-update"] }
  }

  variables {
    update_zip = "nowhere.zip"
  }

  assert {
    condition     = aws_lambda_function.update.function_name == "sigcache-update"
    error_message = "a later plan asks for an artifact that it does not read"
  }
}
