<?php
// Asks for the page that it is told, as plugins do.
$url = $_GET['url'] ?? '';
if ($url === '') {
    exit('<!doctype html><p>well');
}
$asked = curl_init($url);
curl_setopt_array($asked, [CURLOPT_RETURNTRANSFER => true, CURLOPT_CONNECTTIMEOUT => 3, CURLOPT_TIMEOUT => 5]);
$said = curl_exec($asked);
echo $said === false ? 'failed: ' . curl_error($asked) : 'reached: ' . curl_getinfo($asked, CURLINFO_RESPONSE_CODE);
