"""Pure reasoning over parsed evidence: causes, windows of alarms, measured objectives."""
