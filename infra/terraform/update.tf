locals {
  canary_alarm = var.canary == "" ? "" : coalesce(var.canary_alarm, "${var.name}-canary")

  assumed_by_lambda = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role" "update" {
  name                 = "${local.update}-${local.region}"
  permissions_boundary = var.permissions_boundary
  assume_role_policy   = local.assumed_by_lambda
}

resource "aws_iam_role_policy" "update" {
  name = "update"
  role = aws_iam_role.update.id

  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/update.json.tftpl", {
    kms_key      = var.kms_key_arn == null ? "" : var.kms_key_arn
    alarm        = local.canary_alarm == "" ? "" : "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${local.canary_alarm}"
    uploads      = local.bucket_arns.uploads
    releases     = local.bucket_arns.releases
    function     = local.function_arns[local.endpoint]
    result_topic = local.topic_arns.results
    dead_letters = local.queue_arns.update
    log_group    = local.log_group_arns[local.update]
  })))
}

# Which functions there are already: one that is there does not need its artifact any more.
data "aws_lambda_functions" "all" {}

resource "aws_lambda_function" "update" {
  function_name                  = local.update
  description                    = "sigcache: verifies releases of ${local.endpoint}, and moves its alias or rolls back"
  role                           = aws_iam_role.update.arn
  runtime                        = "provided.al2023"
  architectures                  = [var.architecture]
  handler                        = "bootstrap"
  memory_size                    = var.update_memory
  timeout                        = 900
  reserved_concurrent_executions = var.update_concurrency
  filename                       = var.update_zip

  environment {
    variables = {
      SIGCACHE_UPLOADS      = "s3://${local.buckets.uploads}"
      SIGCACHE_RELEASES     = "s3://${local.buckets.releases}"
      SIGCACHE_RELEASE_KEYS = join("\n", local.release_keys)
      SIGCACHE_FUNCTION     = local.endpoint
      SIGCACHE_ALIAS        = var.alias
      SIGCACHE_RESULT_TOPIC = local.topic_arns.results
      SIGCACHE_CANARY       = var.canary
      SIGCACHE_CANARY_ALARM = local.canary_alarm
    }
  }

  lifecycle {
    ignore_changes = [filename, source_code_hash, s3_bucket, s3_key, s3_object_version]

    # Said in the plan: the provider would say so in the middle of apply, when half of everything is made.
    precondition {
      condition     = fileexists(var.update_zip) || contains(data.aws_lambda_functions.all.function_names, local.update)
      error_message = "There is no file at update_zip, ${var.update_zip}, and the update function is yet to be made of it. A path begins where terraform runs."
    }
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.update]
}

resource "aws_lambda_function_event_invoke_config" "update" {
  function_name                = aws_lambda_function.update.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead["update"].arn
    }
  }

  depends_on = [aws_iam_role_policy.update]
}

# The chain: an artifact lands in uploads, S3 says so to the topic, the topic calls the function. The signature is there
# before, so its own arrival is no event.
resource "aws_lambda_permission" "updates" {
  statement_id  = "updates"
  function_name = aws_lambda_function.update.function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.this["updates"].arn
}

resource "aws_sns_topic_subscription" "updates" {
  topic_arn            = aws_sns_topic.this["updates"].arn
  protocol             = "lambda"
  endpoint             = aws_lambda_function.update.arn
  raw_message_delivery = false

  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead["update"].arn })

  depends_on = [aws_lambda_permission.updates, aws_sqs_queue_policy.update_dead]
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket = aws_s3_bucket.this["uploads"].id

  topic {
    id            = "updates"
    topic_arn     = aws_sns_topic.this["updates"].arn
    events        = ["s3:ObjectCreated:*"]
    filter_suffix = ".zip"
  }

  # S3 sends a message to the topic at once, and refuses where it may not.
  depends_on = [aws_sns_topic_policy.updates]
}

# For whoever looks whether all links hold, and changes nothing: a person, or a job.
resource "aws_iam_policy" "doctor" {
  name        = "${var.name}-doctor-${local.region}"
  description = "Look at every link of ${var.name}: sigcache doctor --aws"

  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/doctor.json.tftpl", {
    kms_key      = var.kms_key_arn == null ? "" : var.kms_key_arn
    functions    = flatten([for arn in values(local.function_arns) : [arn, "${arn}:*"]])
    topics       = values(local.topic_arns)
    dead_letters = [for use in keys(local.dead_letters) : local.queue_arns[use]]
    alarms       = local.alarm_arns
    uploads      = local.bucket_arns.uploads
    releases     = local.bucket_arns.releases
    schedules    = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule/${var.name}/*"
  })))
}

# For those who deploy: people, or the job that builds releases.
resource "aws_iam_policy" "deploy" {
  name        = "${var.name}-deploy-${local.region}"
  description = "Upload a release of ${local.endpoint} and follow what becomes of it"

  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/deploy.json.tftpl", {
    kms_key  = var.kms_key_arn == null ? "" : var.kms_key_arn
    uploads  = local.bucket_arns.uploads
    releases = local.bucket_arns.releases
    function = local.function_arns[local.endpoint]
  })))
}
