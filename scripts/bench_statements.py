"""
Clients that send each statement of an order's transaction themselves, and what they reach.

They prepare their statements where the driver can (psycopg; PyMySQL prepares nothing).
"""

import multiprocessing
import os
import random
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bench_statement_order
from bench_statement_order import Run


def postgresql(url: str) -> Run:
    """Return what sends one statement to PostgreSQL: prepared, over one connection."""
    import psycopg  # noqa: PLC0415  one driver is enough

    conn = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    conn.execute("SET TimeZone = 'UTC'")
    cursor = conn.cursor()

    def run(sql: str, *values: object) -> list[Any]:
        cursor.execute(sql.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    return run


def mariadb(url: str) -> Run:
    """Return what sends one statement to MariaDB, as text: PyMySQL prepares nothing."""
    import pymysql  # noqa: PLC0415  one driver is enough

    parts = urlsplit(url)
    conn = pymysql.connect(
        unix_socket=parse_qs(parts.query)["unix_socket"][0],
        user=parts.username,
        database=parts.path.lstrip("/"),
        charset="utf8mb4",
        collation="utf8mb4_nopad_bin",
        init_command="SET time_zone = '+00:00', tx_isolation = 'READ-COMMITTED'",
        autocommit=True,
    )
    cursor = conn.cursor()

    def run(sql: str, *values: object) -> list[Any]:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall()) if cursor.description else []

    return run


def client(url: str, seconds: float, done: Any) -> None:
    """Place orders for so long; put how many, and the CPU they took, into `done`."""
    engine = urlsplit(url).scheme
    run = {"postgresql": postgresql, "mariadb": mariadb}[engine](url)
    draw, tag, count = random.Random(), f"st-{os.getpid()}-{time.time_ns()}", 0  # noqa: S311
    before_s, end = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        bench_statement_order.order(run, engine, f"{tag}-{count}", draw)
        count += 1
    done.put((count, time.process_time() - before_s))


def measure(url: str, clients: int, seconds: float) -> tuple[int, float]:
    """Return how many orders so many clients placed, and the CPU they took, in seconds."""
    fork = multiprocessing.get_context("fork")
    done = fork.Queue()
    processes = [fork.Process(target=client, args=(url, seconds, done)) for _ in range(clients)]
    for process in processes:
        process.start()
    told = [done.get(timeout=seconds + 60) for _ in processes]
    for process in processes:
        process.join(60)
    return sum(count for count, _ in told), sum(cpu_s for _, cpu_s in told)
