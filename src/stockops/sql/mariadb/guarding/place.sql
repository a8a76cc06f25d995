-- A place for the token of a sandbox, away from all that anybody works with.
CREATE DATABASE IF NOT EXISTS stockops_guard
