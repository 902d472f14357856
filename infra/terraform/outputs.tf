output "chain" {
  description = "Every link of the chain by name, for sigcache doctor --aws and sigcache deploy: terraform output -json chain > chain.json."
  value = {
    region             = local.region
    endpoint_function  = aws_lambda_function.endpoint.function_name
    alias              = aws_lambda_alias.live.name
    update_function    = aws_lambda_function.update.function_name
    store_bucket       = local.store_bucket
    upload_bucket      = aws_s3_bucket.this["uploads"].id
    release_bucket     = aws_s3_bucket.this["releases"].id
    update_topic       = aws_sns_topic.this["updates"].arn
    result_topic       = aws_sns_topic.this["results"].arn
    alert_topic        = aws_sns_topic.this["alerts"].arn
    alarm_topic        = aws_sns_topic.this["alarms"].arn
    schedules          = sort([for schedule in aws_scheduler_schedule.sync : schedule.name])
    schedule_group     = aws_scheduler_schedule_group.this.name
    probe_schedule     = one(aws_scheduler_schedule.probe[*].name)
    dead_letter_queues = [for use in sort(keys(local.dead_letters)) : aws_sqs_queue.dead[use].url]
    alarms             = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
    release_keys       = local.release_keys
  }
}

output "url" {
  description = "The function URL without a slash at its end; null where there is none."
  value       = one([for url in aws_lambda_function_url.this : trimsuffix(url.function_url, "/")])
}

output "endpoint_function" {
  description = "Name of the endpoint function."
  value       = aws_lambda_function.endpoint.function_name
}

output "alias_arn" {
  description = "ARN of the alias, for whatever else shall call the endpoint: an API Gateway, a load balancer, another schedule."
  value       = aws_lambda_alias.live.arn
}

output "endpoint_role" {
  description = "Name of the endpoint function's role."
  value       = aws_iam_role.endpoint.name
}

output "update_function" {
  description = "Name of the update function."
  value       = aws_lambda_function.update.function_name
}

output "update_role" {
  description = "Name of the update function's role."
  value       = aws_iam_role.update.name
}

output "store_bucket" {
  description = "Bucket of the store."
  value       = local.store_bucket
}

output "upload_bucket" {
  description = "Bucket that releases and their signatures are uploaded to."
  value       = aws_s3_bucket.this["uploads"].id
}

output "release_bucket" {
  description = "Bucket of the releases that were verified, and of the decisions on all of them."
  value       = aws_s3_bucket.this["releases"].id
}

output "config_object" {
  description = "Where the endpoint reads its configuration: s3://bucket/key or a path in the artifact; null where it stands in the environment."
  value       = local.config_url
}

output "queue_url" {
  description = "Queue for requests to sync; null where there is none."
  value       = one(aws_sqs_queue.requests[*].url)
}

output "deploy_policy" {
  description = "ARN of a policy for those who deploy: upload a release, and follow what becomes of it."
  value       = aws_iam_policy.deploy.arn
}

output "doctor_policy" {
  description = "ARN of a policy for those who look and change nothing: sigcache doctor --aws."
  value       = aws_iam_policy.doctor.arn
}

output "endpoint_version" {
  description = "The newest version of the endpoint function that Terraform published: the deployed code with the present memory, timeout and environment."
  value       = aws_lambda_function.endpoint.version
}

output "alarm_topic" {
  description = "ARN of the topic of all alarms."
  value       = aws_sns_topic.this["alarms"].arn
}

output "alert_topic" {
  description = "ARN of the topic for [[alert]] sns = … in the configuration."
  value       = aws_sns_topic.this["alerts"].arn
}
