# updates: S3 says here that an artifact came. results: how each update ended. alerts: what the endpoint tells of its
# documents. alarms: what CloudWatch tells of the functions. They carry names and sentences, nothing secret, and no key of
# KMS: with one, S3 and CloudWatch could publish only if that key's own policy let them.
resource "aws_sns_topic" "this" {
  for_each = local.topics
  name     = each.value
}

# S3, for the upload bucket of this account and nothing else.
resource "aws_sns_topic_policy" "updates" {
  arn = aws_sns_topic.this["updates"].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "UploadsOnly"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = local.topic_arns.updates
      Condition = {
        ArnEquals    = { "aws:SourceArn" = local.bucket_arns.uploads }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.this["alarms"].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = local.topic_arns.alarms
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = {
    for each in concat(
      [for address in var.alarm_emails : { use = "alarms", address = address }],
      [for address in var.alert_emails : { use = "alerts", address = address }],
      [for address in var.result_emails : { use = "results", address = address }],
    ) : "${each.use} ${each.address}" => each
  }

  topic_arn = aws_sns_topic.this[each.value.use].arn
  protocol  = "email"
  endpoint  = each.value.address
}

# What could not be delivered or done, kept for two weeks. A message here is an alarm.
resource "aws_sqs_queue" "dead" {
  for_each                  = local.dead_letters
  name                      = each.value
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "update_dead" {
  queue_url = aws_sqs_queue.dead["update"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "UndeliveredUpdates"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = local.queue_arns.update
      Condition = { ArnEquals = { "aws:SourceArn" = local.topic_arns.updates } }
    }]
  })
}
