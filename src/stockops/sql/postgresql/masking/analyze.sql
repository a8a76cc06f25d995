-- Tell the planner what is there now, all of it.
ANALYZE
