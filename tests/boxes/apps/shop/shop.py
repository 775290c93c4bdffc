"""A shop whose orders lie in PostgreSQL: a page, a form, a worker and a job."""

import os
import sys
import time
from pathlib import Path

import psycopg

RELEASE = "first"


def connect():
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def page():
    with connect() as database:
        (orders,) = database.execute("SELECT count(*) FROM orders").fetchone()
        (packed,) = database.execute("SELECT count(*) FROM orders WHERE packed").fetchone()
    return f"{RELEASE}: {orders} orders, {packed} packed"


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/order" and environ["REQUEST_METHOD"] == "POST":
        with connect() as database:
            database.execute("INSERT INTO orders DEFAULT VALUES")
    if path == "/slow":
        time.sleep(3)
    said = RELEASE if path in ("/release", "/slow") else page()
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(said)))])
    return [said.encode()]


def migrate():
    with connect() as database:
        database.execute("CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, packed boolean DEFAULT false)")


def work():
    while True:
        with connect() as database:
            database.execute("UPDATE orders SET packed = true WHERE NOT packed")
        time.sleep(0.2)


def count():
    with connect() as database:
        (orders,) = database.execute("SELECT count(*) FROM orders").fetchone()
    token = os.environ["PAYMENT_TOKEN"]
    Path(os.environ["DATA"], "count").write_text(f"{orders} orders, a token of {len(token)}: {token}\n")


if __name__ == "__main__":
    {"migrate": migrate, "work": work, "count": count}[sys.argv[1]]()
