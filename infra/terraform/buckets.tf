# store: what was verified, for readers. uploads: artifacts, not yet trusted. releases: artifacts that were verified.
# config: the configuration, and with it the keys that are trusted; the endpoint can read it and not change it.
resource "aws_s3_bucket" "this" {
  for_each      = local.buckets
  bucket        = each.value
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.versioned
  bucket   = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "tls" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.bucket_arns[each.key], "${local.bucket_arns[each.key]}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 takes one change of these at a time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id

  # What a run that was killed leaves of an upload in parts, nobody sees and everybody pays.
  rule {
    id     = "parts"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  dynamic "rule" {
    for_each = contains(local.versioned, each.key) ? [var.noncurrent_days[each.key]] : []

    content {
      id     = "noncurrent"
      status = "Enabled"
      filter {}

      noncurrent_version_expiration {
        noncurrent_days = rule.value
      }

      # A deletion leaves a marker, which has nothing behind it after that time, and makes each listing longer.
      expiration {
        expired_object_delete_marker = true
      }
    }
  }

  # A probe that came back is taken away by the function; this is for those that did not, and for the records of all.
  dynamic "rule" {
    for_each = lookup({ uploads = [["probe/", 1]], releases = [["updates/probe=", 30]] }, each.key, [])

    content {
      id     = "probe"
      status = "Enabled"

      filter {
        prefix = rule.value[0]
      }

      expiration {
        days = rule.value[1]
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_object" "config" {
  count        = var.config_file == null ? 0 : 1
  bucket       = aws_s3_bucket.this["config"].id
  key          = "sigcache.toml"
  content_type = "application/toml"

  content = templatefile(var.config_file, {
    store_url   = "s3://${local.store_bucket}${var.store_root == "" ? "" : "/${var.store_root}"}"
    alert_topic = local.topic_arns.alerts
    region      = local.region
  })

  depends_on = [aws_s3_bucket_versioning.this, aws_s3_bucket_server_side_encryption_configuration.this]
}
