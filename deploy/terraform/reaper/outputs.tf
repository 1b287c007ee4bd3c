output "function" {
  value       = aws_lambda_function.reaper.arn
  description = "The function; call it with {\"dry_run\": true} to be told."
}

output "policy" {
  value       = data.aws_iam_policy_document.reaper.json
  description = "What it may do."
}
