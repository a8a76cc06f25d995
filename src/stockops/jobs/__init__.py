"""Jobs that nobody watches: one at a time, in bounded time, and missed when they do not run."""
