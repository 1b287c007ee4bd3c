output "state_machine_arn" {
  description = "The machine; `drproof trigger --state-machine-arn` starts it."
  value       = aws_sfn_state_machine.orchestrator.arn
}

output "state_machine_name" {
  description = "Its name."
  value       = aws_sfn_state_machine.orchestrator.name
}

output "runner_lambda_arn" {
  description = "The function that runs phases; orchestrator.function of drproof.toml."
  value       = aws_lambda_function.orchestrator.arn
}

output "watcher_lambda_arn" {
  description = "The function that tells of what no Catch sees; orchestrator.watcher of drproof.toml."
  value       = aws_lambda_function.watcher.arn
}

output "runner_lambda_name" {
  description = "The function that runs phases."
  value       = aws_lambda_function.orchestrator.function_name
}

output "watcher_lambda_name" {
  description = "The function that tells of what no Catch sees."
  value       = aws_lambda_function.watcher.function_name
}

output "infra_codebuild_project_name" {
  description = "The project that brings the machine up; recovery.provisioner.codebuild.project of drproof.toml."
  value       = aws_codebuild_project.infra.name
}

output "schedule_rule_name" {
  description = "The rule that starts detection; name it in triggers.rules of drproof.toml."
  value       = aws_cloudwatch_event_rule.schedule.name
}

output "schedule_rule_enabled" {
  description = "Whether it is on."
  value       = aws_cloudwatch_event_rule.schedule.state == "ENABLED"
}

output "pipeline_freshness_alarm_name" {
  description = "The alarm on age; null where there is none."
  value       = one(aws_cloudwatch_metric_alarm.pipeline_freshness[*].alarm_name)
}

output "publish_correctness_alarm_name" {
  description = "The alarm on pointers and markers, the first by its metric; null where there is none."
  value       = try(values(aws_cloudwatch_metric_alarm.publish_correctness)[0].alarm_name, null)
}

output "primary_alarm_names" {
  description = "Every alarm on the original site; primary.alarms.names of drproof.toml."
  value = concat(
    aws_cloudwatch_metric_alarm.pipeline_freshness[*].alarm_name,
    [for alarm in values(aws_cloudwatch_metric_alarm.publish_correctness) : alarm.alarm_name],
  )
}

output "terraform_state_bucket" {
  description = "recovery.provisioner.state_bucket of drproof.toml."
  value       = local.state.bucket
}

output "terraform_state_key" {
  description = "recovery.provisioner.state_key of drproof.toml."
  value       = var.tf_state_key
}

output "terraform_lock_table" {
  description = "recovery.provisioner.lock_table of drproof.toml."
  value       = local.state.table
}

output "terraform_bundle_s3_uri" {
  description = "Where builds fetch the recovery module."
  value       = "s3://${var.tf_bundle_bucket}/${var.tf_bundle_s3_key}"
}

output "signer" {
  description = "signing.signer of drproof.toml."
  value       = "awskms:${aws_kms_key.signer.arn}"
}

output "digest_key" {
  description = "receipts.digest_key of drproof.toml."
  value       = "awskms:${aws_kms_key.digests.arn}"
}
