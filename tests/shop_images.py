"""The images of examples/shop, built from the distribution's packages on this machine's engine:
PostgreSQL, a small web server in Python, and HAProxy. Kept for the next run of the tests."""

from __future__ import annotations

import io
import tarfile

import docker

from clocker.providers.node_image import ensure_base_image

_INSTALL = (
    "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y"
    " --no-install-recommends {packages} && rm -rf /var/lib/apt/lists/* /usr/share/doc"
    " /usr/share/locale /usr/share/man /usr/lib/*/libLLVM* /usr/lib/postgresql/*/lib/bitcode\n"
)

_DATABASE = """#!/bin/sh
set -e
export LC_ALL=C
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
mkdir -p $data
chown postgres:postgres $data
chmod 700 $data
if [ ! -s $data/PG_VERSION ]; then
    as $bin/initdb -D $data --auth-host=scram-sha-256 --auth-local=trust \\
        --pwfile=/run/secrets/db-password
    echo 'host all all all scram-sha-256' >> $data/pg_hba.conf
    echo 'create table visits (who text)' | as $bin/postgres --single -D $data postgres
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups \\
    $bin/postgres -D $data -h 0.0.0.0 -k /tmp -c jit=off
"""
_READY = """#!/bin/sh
exec /usr/lib/postgresql/*/bin/pg_isready -q -h 127.0.0.1
"""
_WEB = """
import json, os, socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2


def visit():
    with open("/run/secrets/db-password") as file:
        password = file.read().strip()
    connection = psycopg2.connect(
        host=os.environ["DB_HOST"], user="postgres", password=password, connect_timeout=5
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into visits values (%s)", (socket.gethostname(),))
            cursor.execute("select count(*) from visits")
            return cursor.fetchone()[0]
    finally:
        connection.close()


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, said = 200, {"who": socket.gethostname(), "visits": visit()}
        except psycopg2.Error as error:
            status, said = 503, {"error": str(error)}
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
_PROXY = """#!/bin/sh
{
    echo 'defaults'
    echo '  mode http'
    echo '  timeout connect 3s'
    echo '  timeout client 20s'
    echo '  timeout server 20s'
    echo 'frontend all'
    echo '  bind *:80'
    echo '  default_backend web'
    echo 'backend web'
    echo '  balance roundrobin'
    number=0
    IFS=,
    for address in $BACKENDS; do
        number=$((number + 1))
        echo "  server web$number $address:8000"
    done
} > /tmp/haproxy.cfg
exec haproxy -db -f /tmp/haproxy.cfg
"""

_RECIPES: dict[str, tuple[str, dict[str, str], str]] = {
    "shop-db:1": (
        "postgresql",
        {"database": _DATABASE, "is-ready": _READY},
        'CMD ["/usr/local/bin/database"]\n',
    ),
    "shop-web:1": (
        "python3-minimal python3-psycopg2",
        {"web.py": _WEB},
        'CMD ["python3", "-u", "/usr/local/bin/web.py"]\n',
    ),
    "shop-proxy:1": ("haproxy", {"proxy": _PROXY}, 'CMD ["/usr/local/bin/proxy"]\n'),
}


def shop_images(engine: docker.DockerClient) -> tuple[str, ...]:
    """Their tags."""
    base = ensure_base_image(engine)
    for tag, (packages, files, command) in _RECIPES.items():
        try:
            engine.images.get(tag)
        except docker.errors.ImageNotFound:
            _build(engine, tag, base, packages, files, command)
    return tuple(_RECIPES)


def _build(
    engine: docker.DockerClient,
    tag: str,
    base: str,
    packages: str,
    files: dict[str, str],
    command: str,
) -> None:
    dockerfile = f"FROM {base}\n{_INSTALL.format(packages=packages)}"
    dockerfile += f"COPY {' '.join(files)} /usr/local/bin/\n{command}"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, text in {"Dockerfile": dockerfile, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    context.seek(0)
    engine.images.build(fileobj=context, custom_context=True, tag=tag, rm=True)
