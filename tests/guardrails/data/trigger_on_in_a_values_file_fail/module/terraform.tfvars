enable_triggers = true
