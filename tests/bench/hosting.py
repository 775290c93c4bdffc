"""What is hosted: a site of each kind, and the same pages on Debian's own nginx and PHP-FPM."""

from __future__ import annotations

import shutil
from pathlib import Path

from coopinfra.roles.website.pool import EXTENSIONS, VERSION

BOXES = Path(__file__).parents[1] / "boxes"
SITES = """
          tools:
            domain: tools.highbeam.example
            kind: php
            source: {folder: sites/tools}
            requests_a_second: 0
          letters:
            domain: letters.highbeam.example
            kind: python
            source: {folder: apps/letters}
            asgi: letters:app
            health: /release
            requests_a_second: 0
          board:
            domain: board.highbeam.example
            kind: node
            source: {folder: apps/board}
            start: node server.js
            valkey: board
            requests_a_second: 0
          blog:
            domain: blog.highbeam.example
            kind: wordpress
            mode: split
            title: Blog
            administrator: rosa
            administrator_email: rosa@highbeam.example
            requests_a_second: 0
          shop:
            domain: shop.highbeam.example
            kind: wordpress
            mode: single
            title: Shop
            administrator: rosa
            administrator_email: rosa@highbeam.example
            requests_a_second: 0
"""
KINDS = {
    "static": "main",
    "php": "tools",
    "python": "letters",
    "node, with a cache": "board",
    "wordpress, split": "blog",
    "wordpress, single": "shop",
}
CHANGED = {
    "static": "sites/main/index.html",
    "php": "sites/tools/index.php",
    "python": "apps/letters/letters.py",
    "node, with a cache": "apps/board/server.js",
}
"""Where each kind gets one more line."""
COMMENTS = {".html": "<!-- {} -->", ".php": "// {}", ".py": "# {}", ".js": "// {}"}
PICTURE = "picture.bin"
PHP = """<?php
$rows = [];
for ($n = 1; $n <= 200; $n++) {
    $rows[] = '<li>' . htmlspecialchars(md5("row $n")) . '</li>';
}
sort($rows);
$page = '<!doctype html><ul>' . implode($rows) . '</ul>';
// ab keeps a connection only if it is told how much comes.
header('Content-Length: ' . strlen($page));
echo $page;
"""
# Debian's own nginx and PHP-FPM as they are installed, with TLS by a key of the kind that ours has, and with the same
# extensions of PHP: each takes its part of every request.
STOCK_HOSTING = """
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends nginx php8.4-fpm openssl EXTENSIONS
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=stock -days 2 \\
    -keyout /etc/nginx/key.pem -out /etc/nginx/certificate.pem
cat >/etc/nginx/sites-available/default <<'END'
server {
    listen 443 ssl default_server;
    listen [::]:443 ssl default_server;
    ssl_certificate certificate.pem;
    ssl_certificate_key key.pem;
    root /var/www/html;
    index index.html index.php;
    location / {
        try_files $uri $uri/ =404;
    }
    location ~ \\.php$ {
        include snippets/fastcgi-php.conf;
        fastcgi_pass unix:/run/php/php8.4-fpm.sock;
    }
    location ^~ /blog/ {
        root /var/www;
        try_files $uri $uri/ /blog/index.php?$args;
        location ~ \\.php$ {
            include snippets/fastcgi-php.conf;
            fastcgi_pass unix:/run/php/php8.4-fpm.sock;
        }
    }
}
END
systemctl restart nginx php8.4-fpm
""".replace("EXTENSIONS", " ".join(f"php{VERSION}-{each}" for each in EXTENSIONS))
STOCK_WORDPRESS = (
    (BOXES / "stock_wordpress.sh").read_text().replace("http://203.0.113.20", "https://[2001:db8::20]/blog")
)


def write(folder: Path) -> None:
    """Give the example's organisation a site of each kind."""
    org = folder / "org.yml"
    org.write_text(org.read_text() + SITES)
    shutil.copytree(BOXES / "apps", folder / "apps")
    (folder / "sites/tools").mkdir()
    (folder / "sites/tools/index.php").write_text(PHP)
    (folder / "sites/main" / PICTURE).write_bytes(bytes(range(250)) * 400)
