mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  release_keys = ["untrusted comment: minisign public key 1234\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"]
  update_zip   = "placeholder/placeholder.zip"
}

run "a_store_in_one_piece_has_one_schedule" {
  command = plan

  assert {
    condition     = { for name, schedule in aws_scheduler_schedule.sync : name => jsondecode(schedule.target[0].input) } == { sigcache-sync = { sigcache = "sync" } }
    error_message = "the schedule does not sync"
  }

  assert {
    condition = (
      aws_scheduler_schedule.sync["sigcache-sync"].schedule_expression == "rate(1 hour)" &&
      aws_scheduler_schedule.sync["sigcache-sync"].flexible_time_window[0].mode == "FLEXIBLE" &&
      aws_scheduler_schedule.sync["sigcache-sync"].flexible_time_window[0].maximum_window_in_minutes == 5
    )
    error_message = "it does not sync every hour, within five minutes"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["runs"].dimensions == tomap({ Function = "sigcache-endpoint", Shard = "1/1" }) &&
      aws_cloudwatch_metric_alarm.this["runs"].statistic == "Sum" &&
      aws_cloudwatch_metric_alarm.this["runs"].threshold == 1 &&
      aws_cloudwatch_metric_alarm.this["runs"].period == 3600 &&
      aws_cloudwatch_metric_alarm.this["runs"].evaluation_periods == 2 &&
      aws_cloudwatch_metric_alarm.this["runs"].treat_missing_data == "breaching"
    )
    error_message = "that there are no runs would not be an alarm, or one would come of a run that falls beyond a period's end"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["rejected"].metric_name == "Rejected" &&
      aws_cloudwatch_metric_alarm.this["rejected"].namespace == "Sigcache" &&
      aws_cloudwatch_metric_alarm.this["rejected"].dimensions == tomap({ Function = "sigcache-endpoint" }) &&
      aws_cloudwatch_metric_alarm.this["rejected"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.this["rejected"].treat_missing_data == "ignore"
    )
    error_message = "that a document did not verify would not be an alarm where there is a good copy"
  }
}

run "each_shard_has_a_schedule" {
  command = plan

  variables {
    shards          = 12
    schedule        = "rate(15 minutes)"
    schedule_window = 0
  }

  assert {
    condition = { for name, schedule in aws_scheduler_schedule.sync : name => schedule.target[0].input } == {
      for shard in range(1, 13) : format("sigcache-sync-%02d", shard) => jsonencode({ shard = "${shard}/12", sigcache = "sync" })
    }
    error_message = "not every shard has a schedule that names it"
  }

  assert {
    condition     = aws_lambda_function.endpoint.environment[0].variables.SIGCACHE_SHARDS == "12"
    error_message = "the endpoint does not know into how many shards its store is divided"
  }

  assert {
    condition     = alltrue([for schedule in aws_scheduler_schedule.sync : schedule.flexible_time_window[0].mode == "OFF"])
    error_message = "a window of 0 is none"
  }

  assert {
    condition = {
      for use, alarm in aws_cloudwatch_metric_alarm.this : use => alarm.dimensions if alarm.metric_name == "Runs"
      } == {
      for shard in range(1, 13) : format("runs-%02d", shard) => tomap({ Function = "sigcache-endpoint", Shard = "${shard}/12" })
    }
    error_message = "not every shard has an alarm of its own"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.threshold == 1 && alarm.period == 900 && alarm.evaluation_periods == 2 if alarm.metric_name == "Runs"
    ])
    error_message = "that a shard has no runs would not be an alarm"
  }
}

run "the_schedule_calls_the_alias" {
  command = apply

  assert {
    condition     = aws_scheduler_schedule.sync["sigcache-sync"].target[0].arn == aws_lambda_alias.live.arn
    error_message = "the schedule calls code that was not deployed"
  }

  assert {
    condition     = aws_scheduler_schedule.sync["sigcache-sync"].target[0].dead_letter_config[0].arn == aws_sqs_queue.dead["endpoint"].arn
    error_message = "what the schedule cannot call is lost"
  }

  assert {
    condition     = aws_scheduler_schedule.probe[0].target[0].arn == aws_lambda_function.update.arn && jsondecode(aws_scheduler_schedule.probe[0].target[0].input) == { sigcache = "probe" }
    error_message = "the probe is not sent"
  }
}

run "a_window_that_is_longer_than_the_rate" {
  command = plan

  variables {
    schedule        = "rate(5 minutes)"
    schedule_window = 20
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["runs"].period == 1200
    error_message = "runs that begin late within their window would be an alarm"
  }
}

run "no_schedule" {
  command = plan

  variables {
    schedule = null
    shards   = 2
  }

  assert {
    condition     = length(aws_scheduler_schedule.sync) == 0 && alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.metric_name != "Runs"])
    error_message = "there is a schedule, or an alarm for one, though it is off"
  }
}

run "a_line_of_cron" {
  command = plan

  variables {
    schedule     = "cron(17 6 * * ? *)"
    alarm_period = 86400
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["runs"].period == 86400 && aws_cloudwatch_metric_alarm.this["age"].period == 86400
    error_message = "the alarms do not look as far back as was said"
  }
}

run "a_probe_by_default" {
  command = plan

  assert {
    condition = (
      length(aws_scheduler_schedule.probe) == 1 &&
      aws_cloudwatch_metric_alarm.this["probe-missing"].treat_missing_data == "breaching" &&
      aws_cloudwatch_metric_alarm.this["probe-missing"].comparison_operator == "LessThanThreshold" &&
      aws_cloudwatch_metric_alarm.this["probe-missing"].period == 3600
    )
    error_message = "that no probe arrives would not be an alarm"
  }
}

run "a_probe_every_six_hours" {
  command = plan

  variables {
    probe = "rate(6 hours)"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["probe-missing"].period == 21600
    error_message = "the alarm does not fit the probe"
  }
}

run "no_probe" {
  command = plan

  variables {
    probe = null
  }

  assert {
    condition     = length(aws_scheduler_schedule.probe) == 0 && !contains(keys(aws_cloudwatch_metric_alarm.this), "probe-missing")
    error_message = "there is a probe, or an alarm for one, though it is off"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.schedule.policy, "sigcache-update")
    error_message = "the schedule may call the update function, though it need not"
  }
}

run "no_canary_by_default" {
  command = plan

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "canary")
    error_message = "there is an alarm for a canary that is off"
  }
}

run "canary_steps_have_an_alarm" {
  command = plan

  variables {
    canary = "10%:2m,50%:90s"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["canary"].alarm_name == aws_lambda_function.update.environment[0].variables.SIGCACHE_CANARY_ALARM &&
      aws_lambda_function.update.environment[0].variables.SIGCACHE_CANARY == "10%:2m,50%:90s" &&
      aws_cloudwatch_metric_alarm.this["canary"].dimensions == tomap({ FunctionName = "sigcache-endpoint", Resource = "sigcache-endpoint:live" })
    )
    error_message = "the canary is watched by nothing"
  }
}

run "canary_steps_with_an_alarm_of_ones_own" {
  command = plan

  variables {
    canary       = "10%:2m"
    canary_alarm = "front-door"
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "canary") && strcontains(aws_iam_role_policy.update.policy, ":alarm:front-door")
    error_message = "the alarm that was named is not the one that is watched"
  }
}

run "everyone_is_told" {
  command = apply

  variables {
    queue         = true
    alarm_emails  = ["a@example.org", "b@example.org"]
    alert_emails  = ["a@example.org"]
    result_emails = ["a@example.org"]
    alarm_actions = ["arn:aws:sns:eu-west-2:111122223333:pager"]
  }

  assert {
    condition     = sort(keys(aws_sns_topic_subscription.email)) == tolist(["alarms a@example.org", "alarms b@example.org", "alerts a@example.org", "results a@example.org"])
    error_message = "somebody is not told"
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.alarm_actions == toset([aws_sns_topic.this["alarms"].arn, "arn:aws:sns:eu-west-2:111122223333:pager"]) && alarm.ok_actions == alarm.alarm_actions
    ])
    error_message = "an alarm tells nobody"
  }

  assert {
    condition     = alltrue([for use in ["endpoint", "update", "requests"] : aws_cloudwatch_metric_alarm.this["${use}-dead-letters"].dimensions == tomap({ QueueName = aws_sqs_queue.dead[use].name })])
    error_message = "dead letters lie unseen"
  }

  assert {
    condition = sort(keys(aws_cloudwatch_metric_alarm.this)) == tolist([
      "age", "endpoint-dead-letters", "endpoint-errors", "endpoint-throttles", "expired", "failed", "missing", "not-reached", "probe-missing",
      "rejected", "requests-dead-letters", "runs", "update-dead-letters", "update-errors", "update-refused", "update-rolled-back",
    ])
    error_message = "an alarm is missing, or README does not explain it"
  }
}

run "requests_from_a_queue" {
  command = apply

  variables {
    queue            = true
    endpoint_timeout = 100
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.requests[0].function_name == aws_lambda_alias.live.arn &&
      aws_lambda_event_source_mapping.requests[0].function_response_types == toset(["ReportBatchItemFailures"]) &&
      aws_sqs_queue.requests[0].visibility_timeout_seconds == 600
    )
    error_message = "a request that failed takes the whole batch with it, or comes back while it is being worked on"
  }
}

run "no_url_by_default" {
  command = plan

  assert {
    condition     = length(aws_lambda_function_url.this) == 0 && length(aws_cloudformation_stack.url) == 0 && output.url == null
    error_message = "there is a function URL that nobody asked for"
  }
}

run "an_open_url" {
  command = plan

  variables {
    url = "NONE"
  }

  assert {
    condition     = aws_lambda_function_url.this[0].authorization_type == "NONE" && aws_lambda_function_url.this[0].qualifier == "live" && length(aws_cloudformation_stack.url) == 1
    error_message = "the URL is not open, or not of the alias"
  }
}

run "a_url_for_signed_requests" {
  command = plan

  variables {
    url = "AWS_IAM"
  }

  assert {
    condition     = aws_lambda_function_url.this[0].authorization_type == "AWS_IAM" && length(aws_cloudformation_stack.url) == 0
    error_message = "the URL is open"
  }
}
