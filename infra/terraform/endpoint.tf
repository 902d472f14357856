locals {
  config_url = (
    var.config_file != null ? "s3://${local.buckets.config}/sigcache.toml" :
    var.config != null ? var.config :
    var.config_text != null ? null : "sigcache.toml"
  )
  config_place  = try(regex("^s3://(.+)$", local.config_url)[0], "")
  config_object = local.config_place == "" ? "" : "arn:${local.partition}:s3:::${local.config_place}"

  # What the function may read is what its environment names.
  secrets = distinct([
    for value in values(var.environment) : split("#", trimprefix(value, "aws-secret:"))[0] if startswith(value, "aws-secret:")
  ])
  parameters = distinct([
    for value in values(var.environment) :
    "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/${trimprefix(trimprefix(value, "aws-ssm:"), "/")}"
    if startswith(value, "aws-ssm:")
  ])
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.log_groups
  name              = each.value
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "endpoint" {
  name                 = "${local.endpoint}-${local.region}"
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = local.assumed_by_lambda
}

resource "aws_iam_role_policy" "endpoint" {
  name = "endpoint"
  role = aws_iam_role.endpoint.id

  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/endpoint.json.tftpl", {
    config_object = local.config_object
    secrets       = local.secrets
    parameters    = local.parameters
    secret_keys   = var.secret_kms_key_arns
    kms_key       = var.kms_key_arn == null ? "" : var.kms_key_arn
    queue         = var.queue ? local.queue_arns.queue : ""
    store         = local.bucket_arns.store
    store_objects = var.store_root == "" ? "*" : "${var.store_root}/*"
    alert_topic   = local.topic_arns.alerts
    dead_letters  = local.queue_arns.endpoint
    log_group     = local.log_group_arns[local.endpoint]
  })))
}

# Made with a placeholder that answers every event with an error. What runs is what was deployed.
resource "aws_lambda_function" "endpoint" {
  function_name                  = local.endpoint
  description                    = "sigcache: verifies signed documents, stores and serves them"
  role                           = aws_iam_role.endpoint.arn
  runtime                        = "provided.al2023"
  architectures                  = [var.architecture]
  handler                        = "bootstrap"
  memory_size                    = var.endpoint_memory
  timeout                        = var.endpoint_timeout
  reserved_concurrent_executions = var.endpoint_concurrency
  filename                       = "${path.module}/placeholder/placeholder.zip"

  # The alias must never stand on $LATEST, which changes before the new code was asked for its health.
  publish = true

  environment {
    variables = merge(
      var.environment,
      # A run that names no shard, or one of another number, would divide the store anew: the function refuses it.
      { SIGCACHE_SHARDS = tostring(var.shards) },
      local.config_url == null ? {} : { SIGCACHE_CONFIG = local.config_url },
      var.config_text == null ? {} : { SIGCACHE_CONFIG_TEXT = var.config_text },
    )
  }

  lifecycle {
    ignore_changes = [filename, source_code_hash, s3_bucket, s3_key, s3_object_version]
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.endpoint]
}

resource "aws_lambda_alias" "live" {
  name             = var.alias
  description      = "What readers and the schedule call; moved by the update function"
  function_name    = aws_lambda_function.endpoint.function_name
  function_version = aws_lambda_function.endpoint.version

  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}

# The schedule calls without waiting for an answer. What fails is tried twice more, and then kept.
resource "aws_lambda_function_event_invoke_config" "endpoint" {
  function_name                = aws_lambda_function.endpoint.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead["endpoint"].arn
    }
  }

  # Lambda looks whether the function may write there.
  depends_on = [aws_iam_role_policy.endpoint]
}

resource "aws_lambda_function_url" "this" {
  count              = var.url == null ? 0 : 1
  function_name      = aws_lambda_function.endpoint.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = var.url
}

# Since October 2025 a caller of a function URL must be allowed lambda:InvokeFunction too. For everybody that is right
# only by way of the URL; aws_lambda_permission knows that condition from 6.28 on, CloudFormation always.
resource "aws_cloudformation_stack" "url" {
  count = var.url == "NONE" ? 1 : 0
  name  = "${local.endpoint}-url"

  template_body = jsonencode({
    Description = "Lets everybody call the function URL of ${local.endpoint}, and call the function in no other way"
    Resources = {
      Invoke = {
        Type = "AWS::Lambda::Permission"
        Properties = {
          FunctionName          = aws_lambda_alias.live.arn
          Action                = "lambda:InvokeFunction"
          Principal             = "*"
          InvokedViaFunctionUrl = true
        }
      }
    }
  })

  depends_on = [aws_lambda_function_url.this]
}

# ---------------------------------------------------------------------------------------------------------------------
# Requests to sync, from a queue

resource "aws_sqs_queue" "requests" {
  count                      = var.queue ? 1 : 0
  name                       = "${var.name}-requests"
  visibility_timeout_seconds = 6 * var.endpoint_timeout
  message_retention_seconds  = 345600
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead["requests"].arn
    maxReceiveCount     = 5
  })
}

resource "aws_lambda_event_source_mapping" "requests" {
  count                   = var.queue ? 1 : 0
  event_source_arn        = aws_sqs_queue.requests[0].arn
  function_name           = aws_lambda_alias.live.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  depends_on = [aws_iam_role_policy.endpoint]
}
