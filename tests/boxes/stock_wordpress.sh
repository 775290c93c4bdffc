# What stock Debian hosting is: nginx, the one pool of PHP-FPM, and a WordPress that belongs to the web server's user,
# as its own instructions make it, so that plugins can be updated in the browser.
# The plugin comes by standard input.
set -eu
cat >/root/vulnerable.php
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends nginx mariadb-server php8.4-fpm php8.4-mysql php8.4-gd php8.4-xml php8.4-mbstring \
    php8.4 wordpress wordpress-theme-twentytwentyfive
mkdir -p /var/www/blog /var/www/other
cp -rL /usr/share/wordpress/. /var/www/blog
mkdir -p /var/www/blog/wp-content/plugins/vulnerable /var/www/blog/wp-content/uploads
cp /root/vulnerable.php /var/www/blog/wp-content/plugins/vulnerable/
echo "<?php define('DB_PASSWORD', 'of-the-neighbour');" >/var/www/other/wp-config.php
mariadb -e "CREATE DATABASE blog; CREATE USER blog@localhost IDENTIFIED BY 'of-the-blog'; GRANT ALL ON blog.* TO blog@localhost"
cat >/var/www/blog/wp-config.php <<'END'
<?php
define('DB_NAME', 'blog');
define('DB_USER', 'blog');
define('DB_PASSWORD', 'of-the-blog');
define('DB_HOST', 'localhost');
define('WP_HOME', 'http://203.0.113.20');
define('WP_SITEURL', WP_HOME);
define('AUTH_KEY', 'stock');
define('SECURE_AUTH_KEY', 'stock');
define('LOGGED_IN_KEY', 'stock');
define('NONCE_KEY', 'stock');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
END
cat >/etc/nginx/sites-available/default <<'END'
server {
    listen 80 default_server;
    root /var/www/blog;
    index index.php;
    client_max_body_size 10M;
    location / {
        try_files $uri $uri/ /index.php?$args;
    }
    location ~ \.php$ {
        include snippets/fastcgi-php.conf;
        fastcgi_pass unix:/run/php/php8.4-fpm.sock;
    }
}
END
chown -R www-data:www-data /var/www
cat >/var/www/install.php <<'END'
<?php
$_SERVER['HTTP_HOST'] = 'localhost';
define('WP_INSTALLING', true);
function wp_new_blog_notification() {}
require '/var/www/blog/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Stock', 'rosa', 'rosa@highbeam.example', true, '', 'of-rosa');
update_option('active_plugins', ['vulnerable/vulnerable.php']);
END
runuser -u www-data -- php8.4 /var/www/install.php
systemctl restart nginx php8.4-fpm
