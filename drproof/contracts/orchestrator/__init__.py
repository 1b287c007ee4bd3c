"""An execution of a state machine as such: its times, the answer that it waited for, what it used, what it left up."""
