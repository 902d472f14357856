# Names and ARNs are put together here, so that policies can be read in a plan, before anything is made.
locals {
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  endpoint = "${var.name}-endpoint"
  update   = "${var.name}-update"

  # The names of buckets are known in the whole world, so account and region stand in them.
  bucket_prefix = "${var.name}-${local.account}-${local.region}"
  buckets = merge(
    {
      uploads  = "${local.bucket_prefix}-uploads"
      releases = "${local.bucket_prefix}-releases"
    },
    var.store_bucket == null ? { store = "${local.bucket_prefix}-store" } : {},
    var.config_file == null ? {} : { config = "${local.bucket_prefix}-config" },
  )
  store_bucket = coalesce(var.store_bucket, "${local.bucket_prefix}-store")
  versioned    = setsubtract(keys(local.buckets), var.store_versioned ? [] : ["store"])

  bucket_arns = { for use, bucket in merge(local.buckets, { store = local.store_bucket }) : use => "arn:${local.partition}:s3:::${bucket}" }

  function_arns = { for name in [local.endpoint, local.update] : name => "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${name}" }
  alias_arn     = "${local.function_arns[local.endpoint]}:${var.alias}"

  topics = {
    updates = "${var.name}-updates"
    results = "${var.name}-results"
    alerts  = "${var.name}-alerts"
    alarms  = "${var.name}-alarms"
  }
  topic_arns = { for use, name in local.topics : use => "arn:${local.partition}:sns:${local.region}:${local.account}:${name}" }

  dead_letters = merge(
    {
      endpoint = "${local.endpoint}-dead"
      update   = "${local.update}-dead"
    },
    var.queue ? { requests = "${var.name}-requests-dead" } : {},
  )
  queue_arns = { for use, name in merge(local.dead_letters, { queue = "${var.name}-requests" }) : use => "arn:${local.partition}:sqs:${local.region}:${local.account}:${name}" }

  log_groups     = { for name in [local.endpoint, local.update] : name => "/aws/lambda/${name}" }
  log_group_arns = { for name, group in local.log_groups : name => "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}" }

  # The last line of a .pub file is the key; the one before it is a comment.
  release_keys = [for key in var.release_keys : regex("RW[0-9A-Za-z+/]{54}$", trimspace(key))]

  # Each shard by the number that its schedule and its alarm are named by: with zeros before it, so that names sort.
  shards = { for shard in range(1, var.shards + 1) : format("%0${length(tostring(var.shards))}d", shard) => "${shard}/${var.shards}" }

  # rate(N unit) in seconds. Between two runs there may be that, or a window in which they begin by chance; a period that
  # is as long as both leaves no two periods in a row empty while runs arrive.
  unit_seconds     = { minute = 60, hour = 3600, day = 86400 }
  schedule_rate    = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.schedule), null)
  schedule_seconds = local.schedule_rate == null ? 60 : tonumber(local.schedule_rate[0]) * local.unit_seconds[local.schedule_rate[1]]
  shortest_period  = var.schedule == null ? 60 : max(local.schedule_seconds, 60 * var.schedule_window)
  period           = coalesce(var.alarm_period, var.schedule == null ? 3600 : local.shortest_period)
  probe_rate       = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.probe), null)
  probe_seconds    = local.probe_rate == null ? 3600 : tonumber(local.probe_rate[0]) * local.unit_seconds[local.probe_rate[1]]
}
