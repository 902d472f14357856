resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.name}-schedule-${local.region}"
  permissions_boundary = var.permissions_boundary

  # Only for schedules of this group: no other in this account or elsewhere may call with this role.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.name}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "schedule"
  role = aws_iam_role.schedule.id

  policy = jsonencode(jsondecode(templatefile("${path.module}/policies/schedule.json.tftpl", {
    functions    = concat([local.alias_arn], var.probe == null ? [] : [local.function_arns[local.update]])
    dead_letters = concat([local.queue_arns.endpoint], var.probe == null ? [] : [local.queue_arns.update])
  })))
}

# A store in one piece has no shards to be named.
locals {
  runs = var.schedule == null ? {} : var.shards == 1 ? { "${var.name}-sync" = { sigcache = "sync" } } : {
    for number, shard in local.shards : "${var.name}-sync-${number}" => { sigcache = "sync", shard = shard }
  }
}

resource "aws_scheduler_schedule" "sync" {
  for_each            = local.runs
  name                = each.key
  group_name          = aws_scheduler_schedule_group.this.name
  schedule_expression = var.schedule

  flexible_time_window {
    mode                      = var.schedule_window == 0 ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = var.schedule_window == 0 ? null : var.schedule_window
  }

  target {
    arn      = aws_lambda_alias.live.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode(each.value)

    dead_letter_config {
      arn = aws_sqs_queue.dead["endpoint"].arn
    }

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}

# The live release, sent through the whole update chain: it is verified again, and nothing changes. That it arrived is a
# metric, and its absence an alarm, so a broken link is found before a release needs it.
resource "aws_scheduler_schedule" "probe" {
  count               = var.probe == null ? 0 : 1
  name                = "${var.name}-probe"
  group_name          = aws_scheduler_schedule_group.this.name
  schedule_expression = var.probe

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.update.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({ sigcache = "probe" })

    dead_letter_config {
      arn = aws_sqs_queue.dead["update"].arn
    }

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}
