locals {
  of_endpoint = { Function = local.endpoint }
  of_update   = { Function = local.update }

  # What holds of most alarms: more than nothing, once, within five minutes, and silence is good.
  alarm = {
    namespace  = "Sigcache"
    dimensions = local.of_endpoint
    statistic  = "Maximum"
    period     = 300
    periods    = 1
    comparison = "GreaterThanThreshold"
    threshold  = 0
    missing    = "notBreaching"
  }

  # Runs are rare: between two of them an alarm stays as it is, rather than ending because nothing was said.
  between_runs = merge(local.alarm, { period = local.period, missing = "ignore" })

  alarms = merge(
    {
      age = merge(local.between_runs, {
        metric      = "OldestAgeSeconds"
        threshold   = var.alarm_age
        description = "The oldest document was not confirmed by a source for more than ${var.alarm_age} seconds."
      })
      failed = merge(local.between_runs, {
        metric      = "Failed"
        periods     = var.alarm_after
        description = "Some document could not be refreshed, in ${var.alarm_after} periods in a row. Readers have the last good copies."
      })
      rejected = merge(local.between_runs, {
        metric      = "Rejected"
        description = "A source served something that did not verify. It was not stored; readers have the last good copy, if there is one."
      })
      expired = merge(local.between_runs, {
        metric      = "Expired"
        description = "A document has expired."
      })
      missing = merge(local.between_runs, {
        metric      = "Missing"
        description = "There is no copy of a document that is configured."
      })
      not-reached = merge(local.between_runs, {
        metric      = "NotReached"
        periods     = 2
        description = "The time of an invocation was over before every document was looked at, twice in a row."
      })
      endpoint-errors = merge(local.alarm, {
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = local.endpoint }
        statistic   = "Sum"
        description = "The endpoint function ended with an error. Before the first deployment that is what it does."
      })
      endpoint-throttles = merge(local.alarm, {
        namespace   = "AWS/Lambda"
        metric      = "Throttles"
        dimensions  = { FunctionName = local.endpoint }
        statistic   = "Sum"
        description = "The endpoint function was called more often at once than it may run."
      })
      update-errors = merge(local.alarm, {
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = local.update }
        statistic   = "Sum"
        description = "The update function ended with an error, or an update failed. It is tried twice more."
      })
      update-refused = merge(local.alarm, {
        namespace   = "Sigcache/Update"
        metric      = "Refused"
        dimensions  = local.of_update
        statistic   = "Sum"
        description = "An artifact was uploaded that was refused. The live version was not touched. A probe does not count here."
      })
      update-rolled-back = merge(local.alarm, {
        namespace   = "Sigcache/Update"
        metric      = "RolledBack"
        dimensions  = local.of_update
        statistic   = "Sum"
        description = "A release was verified and then taken back: it was not healthy, or the canary's alarm went off. The version before is live."
      })
    },
    {
      for use, queue in local.dead_letters : "${use}-dead-letters" => merge(local.alarm, {
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = queue }
        description = "Something could not be delivered or done, and lies in the queue ${queue}."
      })
    },
    # One for each shard, since a sum over all would let runs of one stand for those of another. Two periods, because a run
    # may begin a little later than the one before it, and fall beyond the end of its period.
    var.schedule == null ? {} : {
      for number, shard in local.shards : var.shards == 1 ? "runs" : "runs-${number}" => merge(local.alarm, {
        metric      = "Runs"
        dimensions  = merge(local.of_endpoint, { Shard = shard })
        statistic   = "Sum"
        period      = local.period
        periods     = 2
        comparison  = "LessThanThreshold"
        threshold   = 1
        missing     = "breaching"
        description = "There was no run${var.shards == 1 ? "" : " of shard ${shard}"} in two periods of ${local.period} seconds in a row."
      })
    },
    var.probe == null ? {} : {
      probe-missing = merge(local.alarm, {
        namespace   = "Sigcache/Update"
        metric      = "ProbeArrived"
        dimensions  = local.of_update
        statistic   = "Sum"
        period      = local.probe_seconds
        periods     = 2
        comparison  = "LessThanThreshold"
        threshold   = 1
        missing     = "breaching"
        description = "No probe came through the update chain twice in a row: a release would not arrive either."
      })
    },
    # Watched while a new version gets its first traffic. It counts errors of both versions: the dimension that would tell them
    # apart, ExecutedVersion, has the new version's number, which nobody knows before it is published.
    var.canary == "" || var.canary_alarm != null ? {} : {
      canary = merge(local.alarm, {
        namespace   = "AWS/Lambda"
        metric      = "Errors"
        dimensions  = { FunctionName = local.endpoint, Resource = "${local.endpoint}:${var.alias}" }
        statistic   = "Sum"
        period      = 60
        description = "The alias ${var.alias} had errors, of the new version or of the one before: an update that is under way is rolled back."
      })
    },
  )

  alarm_names = { for use in keys(local.alarms) : use => "${var.name}-${use}" }

  # One by one, since another deployment may be called NAME-something. A policy has no room for each of many shards: they
  # are one pattern, with a ? for each digit.
  alarm_arns = distinct([
    for use, name in local.alarm_names : "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${
      startswith(use, "runs-") ? replace(name, "/[0-9]+$/", join("", [for digit in range(length(tostring(var.shards))) : "?"])) : name
    }"
  ])
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = local.alarm_names[each.key]
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = concat([aws_sns_topic.this["alarms"].arn], var.alarm_actions)
  ok_actions          = concat([aws_sns_topic.this["alarms"].arn], var.alarm_actions)
}
