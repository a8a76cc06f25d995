"""Personal data: where they are, copies without them, their end, and tokens that stay secret."""
