mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  release_keys = ["untrusted comment: minisign public key 1234\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"]
  update_zip   = "placeholder/placeholder.zip"
}

# Each role may do what is listed here, on what is listed here.

run "the_endpoint_by_default" {
  command = plan

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.endpoint.policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      ListStore      = [["s3:ListBucket"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-store"]]
      Store          = [["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-store/*"]]
      Alert          = [["sns:Publish"], ["arn:aws:sns:eu-west-2:111122223333:sigcache-alerts"]]
      KeepWhatFailed = [["sqs:SendMessage"], ["arn:aws:sqs:eu-west-2:111122223333:sigcache-endpoint-dead"]]
      Log            = [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:eu-west-2:111122223333:log-group:/aws/lambda/sigcache-endpoint:*"]]
    }
    error_message = "the endpoint may do something else: ${aws_iam_role_policy.endpoint.policy}"
  }
}

run "the_endpoint_with_everything" {
  command = plan

  variables {
    store_bucket = "documents"
    store_root   = "cache/one"
    config_file  = "examples/complete/sigcache.toml"
    kms_key_arn  = "arn:aws:kms:eu-west-2:111122223333:key/1"
    queue        = true
    environment = {
      PLAIN  = "plain"
      TOKEN  = "aws-secret:arn:aws:secretsmanager:eu-west-2:111122223333:secret:token-AbCdEf"
      FIELD  = "aws-secret:arn:aws:secretsmanager:eu-west-2:111122223333:secret:token-AbCdEf#field"
      NAME   = "aws-ssm:name"
      NESTED = "aws-ssm:/sigcache/nested"
    }
    secret_kms_key_arns = ["arn:aws:kms:eu-west-2:111122223333:key/2"]
  }

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.endpoint.policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      ReadConfiguration = [["s3:GetObject"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-config/sigcache.toml"]]
      ReadSecrets       = [["secretsmanager:GetSecretValue"], ["arn:aws:secretsmanager:eu-west-2:111122223333:secret:token-AbCdEf"]]
      ReadParameters    = [["ssm:GetParameter"], ["arn:aws:ssm:eu-west-2:111122223333:parameter/name", "arn:aws:ssm:eu-west-2:111122223333:parameter/sigcache/nested"]]
      DecryptSecrets    = [["kms:Decrypt"], ["arn:aws:kms:eu-west-2:111122223333:key/2"]]
      Encrypt           = [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-west-2:111122223333:key/1"]]
      TakeRequests      = [["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], ["arn:aws:sqs:eu-west-2:111122223333:sigcache-requests"]]
      ListStore         = [["s3:ListBucket"], ["arn:aws:s3:::documents"]]
      Store             = [["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], ["arn:aws:s3:::documents/cache/one/*"]]
      Alert             = [["sns:Publish"], ["arn:aws:sns:eu-west-2:111122223333:sigcache-alerts"]]
      KeepWhatFailed    = [["sqs:SendMessage"], ["arn:aws:sqs:eu-west-2:111122223333:sigcache-endpoint-dead"]]
      Log               = [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:eu-west-2:111122223333:log-group:/aws/lambda/sigcache-endpoint:*"]]
    }
    error_message = "the endpoint may do something else: ${aws_iam_role_policy.endpoint.policy}"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.endpoint.policy, "-uploads") && !strcontains(aws_iam_role_policy.endpoint.policy, "-releases")
    error_message = "the endpoint can touch the artifacts"
  }

  assert {
    condition = aws_lambda_function.endpoint.environment[0].variables == tomap({
      SIGCACHE_CONFIG = "s3://sigcache-111122223333-eu-west-2-config/sigcache.toml"
      SIGCACHE_SHARDS = "1"
      PLAIN           = "plain"
      TOKEN           = "aws-secret:arn:aws:secretsmanager:eu-west-2:111122223333:secret:token-AbCdEf"
      FIELD           = "aws-secret:arn:aws:secretsmanager:eu-west-2:111122223333:secret:token-AbCdEf#field"
      NAME            = "aws-ssm:name"
      NESTED          = "aws-ssm:/sigcache/nested"
    })
    error_message = "the environment of the endpoint is not the one that was given"
  }
}

run "a_configuration_elsewhere" {
  command = plan

  variables {
    config = "s3://settings/sigcache/live.toml"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.endpoint.policy).Statement[0].Resource == ["arn:aws:s3:::settings/sigcache/live.toml"]
    error_message = "the endpoint cannot read its configuration"
  }

  assert {
    condition     = aws_lambda_function.endpoint.environment[0].variables.SIGCACHE_CONFIG == "s3://settings/sigcache/live.toml" && !contains(keys(aws_s3_bucket.this), "config")
    error_message = "the configuration is not where it was said to be"
  }
}

run "a_configuration_in_the_environment" {
  command = plan

  variables {
    config_text = "[store]\nurl = \"s3://documents\"\n"
  }

  assert {
    condition     = aws_lambda_function.endpoint.environment[0].variables == tomap({ SIGCACHE_CONFIG_TEXT = "[store]\nurl = \"s3://documents\"\n", SIGCACHE_SHARDS = "1" })
    error_message = "the configuration is not in the environment"
  }
}

run "the_update_function" {
  command = plan

  variables {
    canary      = "10%:2m,50%:2m"
    kms_key_arn = "arn:aws:kms:eu-west-2:111122223333:key/1"
  }

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.update.policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      Encrypt     = [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-west-2:111122223333:key/1"]]
      WatchCanary = [["cloudwatch:DescribeAlarms"], ["arn:aws:cloudwatch:eu-west-2:111122223333:alarm:sigcache-canary"]]
      ListBuckets = [["s3:ListBucket"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-uploads", "arn:aws:s3:::sigcache-111122223333-eu-west-2-releases"]]
      ReadUploads = [["s3:GetObject", "s3:GetObjectVersion"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-uploads/*"]]
      Probe       = [["s3:PutObject", "s3:DeleteObject"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-uploads/probe/*"]]
      Releases    = [["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-releases/*"]]
      UpdateTheEndpoint = [
        ["lambda:GetFunctionConfiguration", "lambda:UpdateFunctionCode", "lambda:PublishVersion", "lambda:InvokeFunction", "lambda:GetAlias", "lambda:UpdateAlias"],
        ["arn:aws:lambda:eu-west-2:111122223333:function:sigcache-endpoint", "arn:aws:lambda:eu-west-2:111122223333:function:sigcache-endpoint:*"],
      ]
      TellResult     = [["sns:Publish"], ["arn:aws:sns:eu-west-2:111122223333:sigcache-results"]]
      KeepWhatFailed = [["sqs:SendMessage"], ["arn:aws:sqs:eu-west-2:111122223333:sigcache-update-dead"]]
      Log            = [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:eu-west-2:111122223333:log-group:/aws/lambda/sigcache-update:*"]]
    }
    error_message = "the update function may do something else: ${aws_iam_role_policy.update.policy}"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.update.policy, "-store")
    error_message = "the update function can touch the store"
  }
}

run "the_update_function_by_default" {
  command = plan

  assert {
    condition     = !strcontains(aws_iam_role_policy.update.policy, "kms:") && !strcontains(aws_iam_role_policy.update.policy, "cloudwatch:")
    error_message = "the update function may do what it need not"
  }
}

run "the_schedule_and_those_who_deploy" {
  command = plan

  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.schedule.policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      Call           = [["lambda:InvokeFunction"], ["arn:aws:lambda:eu-west-2:111122223333:function:sigcache-endpoint:live", "arn:aws:lambda:eu-west-2:111122223333:function:sigcache-update"]]
      KeepWhatFailed = [["sqs:SendMessage"], ["arn:aws:sqs:eu-west-2:111122223333:sigcache-endpoint-dead", "arn:aws:sqs:eu-west-2:111122223333:sigcache-update-dead"]]
    }
    error_message = "the schedule may do something else: ${aws_iam_role_policy.schedule.policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role.schedule.assume_role_policy).Statement[0].Condition.StringEquals == {
      "aws:SourceAccount" = "111122223333"
      "aws:SourceArn"     = "arn:aws:scheduler:eu-west-2:111122223333:schedule-group/sigcache"
    }
    error_message = "another schedule can use the role"
  }

  assert {
    condition = { for s in jsondecode(aws_iam_policy.deploy.policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      Upload          = [["s3:PutObject", "s3:AbortMultipartUpload"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-uploads/*"]]
      ListDecisions   = [["s3:ListBucket"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-releases"]]
      FollowDecisions = [["s3:GetObject"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-releases/*"]]
      SeeAlias        = [["lambda:GetAlias"], ["arn:aws:lambda:eu-west-2:111122223333:function:sigcache-endpoint", "arn:aws:lambda:eu-west-2:111122223333:function:sigcache-endpoint:*"]]
    }
    error_message = "those who deploy may do something else: ${aws_iam_policy.deploy.policy}"
  }
}

run "those_who_look" {
  command = plan

  assert {
    condition = { for s in jsondecode(aws_iam_policy.doctor.policy).Statement : s.Sid => [s.Action, s.Resource] } == {
      Functions = [
        ["lambda:GetFunctionConfiguration", "lambda:GetFunctionConcurrency", "lambda:GetAlias", "lambda:GetPolicy"],
        [
          "arn:aws:lambda:eu-west-2:111122223333:function:sigcache-endpoint", "arn:aws:lambda:eu-west-2:111122223333:function:sigcache-endpoint:*",
          "arn:aws:lambda:eu-west-2:111122223333:function:sigcache-update", "arn:aws:lambda:eu-west-2:111122223333:function:sigcache-update:*",
        ],
      ]
      Topics = [
        ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic"],
        [for topic in ["alarms", "alerts", "results", "updates"] : "arn:aws:sns:eu-west-2:111122223333:sigcache-${topic}"],
      ]
      DeadLetters = [["sqs:GetQueueAttributes"], [for use in ["endpoint", "update"] : "arn:aws:sqs:eu-west-2:111122223333:sigcache-${use}-dead"]]
      Alarms = [["cloudwatch:DescribeAlarms"], [
        for alarm in [
          "age", "endpoint-dead-letters", "endpoint-errors", "endpoint-throttles", "expired", "failed", "missing", "not-reached", "probe-missing",
          "rejected", "runs", "update-dead-letters", "update-errors", "update-refused", "update-rolled-back",
        ] : "arn:aws:cloudwatch:eu-west-2:111122223333:alarm:sigcache-${alarm}"
      ]]
      Notification  = [["s3:GetBucketNotification"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-uploads"]]
      Schedules     = [["scheduler:GetSchedule"], ["arn:aws:scheduler:eu-west-2:111122223333:schedule/sigcache/*"]]
      ListDecisions = [["s3:ListBucket"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-releases"]]
      Decisions     = [["s3:GetObject"], ["arn:aws:s3:::sigcache-111122223333-eu-west-2-releases/*"]]
    }
    error_message = "those who look may do something else: ${aws_iam_policy.doctor.policy}"
  }
}

run "those_who_look_at_many_shards" {
  command = plan

  variables {
    shards = 120
  }

  assert {
    condition = [
      for arn in one([for s in jsondecode(aws_iam_policy.doctor.policy).Statement : s.Resource if s.Sid == "Alarms"]) : arn if strcontains(arn, "runs")
    ] == ["arn:aws:cloudwatch:eu-west-2:111122223333:alarm:sigcache-runs-???"]
    error_message = "the alarms of shards are not one pattern"
  }

  assert {
    condition     = length(replace(aws_iam_policy.doctor.policy, "/\\s/", "")) < 6144
    error_message = "the policy is longer than IAM takes"
  }
}

run "a_boundary_bounds_every_role" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::111122223333:policy/boundary"
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.endpoint, aws_iam_role.update, aws_iam_role.schedule] : role.permissions_boundary == "arn:aws:iam::111122223333:policy/boundary"
    ])
    error_message = "a role has no boundary"
  }
}
