"""What is known of backups, and which one is meant."""
