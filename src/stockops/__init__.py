"""Operate a stock-trading database on PostgreSQL and MariaDB."""

__version__ = "0.1.0"
