"""What a change is worth: tried on a copy, before and after in turn."""
