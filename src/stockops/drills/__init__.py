"""Drills: a server broken on purpose, recovered by its runbook, and what was lost proven."""
