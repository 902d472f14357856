mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  release_keys = ["untrusted comment: minisign public key 1234\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"]
  update_zip   = "placeholder/placeholder.zip"
}

# upload bucket -> topic -> update function, and nobody else into any of these.

run "an_artifact_calls_the_update_function" {
  command = apply

  assert {
    condition     = aws_s3_bucket_notification.uploads.bucket == aws_s3_bucket.this["uploads"].id
    error_message = "the notification is not of the upload bucket"
  }

  assert {
    condition = (
      length(aws_s3_bucket_notification.uploads.topic) == 1 &&
      aws_s3_bucket_notification.uploads.topic[0].topic_arn == aws_sns_topic.this["updates"].arn &&
      aws_s3_bucket_notification.uploads.topic[0].events == toset(["s3:ObjectCreated:*"])
    )
    error_message = "not every new object of the upload bucket is told to the topic"
  }

  assert {
    condition     = aws_s3_bucket_notification.uploads.topic[0].filter_suffix == ".zip"
    error_message = "the signature is an event too, or the artifact is none"
  }

  assert {
    condition     = coalesce(aws_s3_bucket_notification.uploads.topic[0].filter_prefix, "none") == "none"
    error_message = "a probe lies below probe/ and must be an event as any release"
  }

  assert {
    condition = (
      aws_sns_topic_subscription.updates.topic_arn == aws_sns_topic.this["updates"].arn &&
      aws_sns_topic_subscription.updates.protocol == "lambda" &&
      aws_sns_topic_subscription.updates.endpoint == aws_lambda_function.update.arn &&
      aws_sns_topic_subscription.updates.raw_message_delivery == false
    )
    error_message = "the update function does not hear of the topic"
  }

  assert {
    condition     = jsondecode(aws_sns_topic_subscription.updates.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead["update"].arn
    error_message = "what SNS cannot deliver is lost"
  }

  assert {
    condition = (
      aws_lambda_permission.updates.function_name == aws_lambda_function.update.function_name &&
      aws_lambda_permission.updates.principal == "sns.amazonaws.com" &&
      aws_lambda_permission.updates.source_arn == aws_sns_topic.this["updates"].arn
    )
    error_message = "another topic than the one of updates may call the update function, or this one may not"
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.update.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead["update"].arn &&
      aws_lambda_function_event_invoke_config.endpoint.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead["endpoint"].arn &&
      aws_lambda_function_event_invoke_config.endpoint.qualifier == "live"
    )
    error_message = "an event that failed three times is lost"
  }
}

run "only_s3_publishes_for_this_bucket_of_this_account" {
  command = plan

  assert {
    condition = jsondecode(aws_sns_topic_policy.updates.policy).Statement == [{
      Sid       = "UploadsOnly"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:eu-west-2:111122223333:sigcache-updates"
      Condition = {
        ArnEquals    = { "aws:SourceArn" = "arn:aws:s3:::sigcache-111122223333-eu-west-2-uploads" }
        StringEquals = { "aws:SourceAccount" = "111122223333" }
      }
    }]
    error_message = "the topic takes messages from others than the upload bucket"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_policy.update_dead.policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:sns:eu-west-2:111122223333:sigcache-updates"
    error_message = "another topic may write to the dead letters"
  }
}

run "the_update_function_knows_its_chain" {
  command = plan

  variables {
    release_keys = [
      "untrusted comment: minisign public key 1234\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n",
      "RWT0QOUcQ5peUbxP6rY8QGdcwSEIA4PAcxwN2skAhYvCyp1+iJdPZbON",
    ]
  }

  assert {
    condition = aws_lambda_function.update.environment[0].variables == tomap({
      SIGCACHE_UPLOADS      = "s3://sigcache-111122223333-eu-west-2-uploads"
      SIGCACHE_RELEASES     = "s3://sigcache-111122223333-eu-west-2-releases"
      SIGCACHE_RELEASE_KEYS = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\nRWT0QOUcQ5peUbxP6rY8QGdcwSEIA4PAcxwN2skAhYvCyp1+iJdPZbON"
      SIGCACHE_FUNCTION     = "sigcache-endpoint"
      SIGCACHE_ALIAS        = "live"
      SIGCACHE_RESULT_TOPIC = "arn:aws:sns:eu-west-2:111122223333:sigcache-results"
      SIGCACHE_CANARY       = ""
      SIGCACHE_CANARY_ALARM = ""
    })
    error_message = "the environment is not the one that the update function reads"
  }

  assert {
    condition = (
      aws_lambda_function.update.timeout == 900 &&
      aws_lambda_function.update.reserved_concurrent_executions == 1 &&
      aws_lambda_function.update.filename == "placeholder/placeholder.zip" &&
      aws_lambda_function.update.runtime == "provided.al2023" &&
      aws_lambda_function.update.architectures == tolist(["arm64"])
    )
    error_message = "the update function is not made as it must be"
  }
}

run "code_is_a_placeholder_until_it_is_deployed" {
  command = plan

  assert {
    condition     = endswith(aws_lambda_function.endpoint.filename, "placeholder/placeholder.zip") && aws_lambda_function.endpoint.publish
    error_message = "the endpoint is not made of the placeholder, or its alias would stand on $LATEST"
  }

  assert {
    condition     = aws_lambda_function.endpoint.environment[0].variables == tomap({ SIGCACHE_CONFIG = "sigcache.toml", SIGCACHE_SHARDS = "1" })
    error_message = "without a word about it, the configuration is the one in the artifact"
  }
}

run "the_output_for_the_doctor" {
  command = apply

  variables {
    queue  = true
    shards = 2
  }

  assert {
    condition = toset(keys(output.chain)) == toset([
      "region", "endpoint_function", "alias", "update_function", "store_bucket", "upload_bucket", "release_bucket", "update_topic",
      "result_topic", "alert_topic", "alarm_topic", "schedules", "schedule_group", "probe_schedule", "dead_letter_queues", "alarms",
      "release_keys",
    ])
    error_message = "chain has other keys than sigcache doctor reads"
  }

  assert {
    condition = (
      output.chain.region == "eu-west-2" && output.chain.alias == "live" && output.chain.schedule_group == "sigcache" &&
      jsonencode(output.chain.schedules) == jsonencode(["sigcache-sync-1", "sigcache-sync-2"]) && output.chain.probe_schedule == "sigcache-probe" &&
      length(output.chain.dead_letter_queues) == 3 && length(output.chain.alarms) == length(aws_cloudwatch_metric_alarm.this) &&
      jsonencode(output.chain.release_keys) == jsonencode(["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"])
    )
    error_message = "chain does not say what was made"
  }
}
