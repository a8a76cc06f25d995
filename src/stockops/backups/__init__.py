"""Backups that are restored, replayed, audited and timed before they are believed."""
