"""Guardrails of Terraform's sources: what each module may not do, whoever plans it."""
