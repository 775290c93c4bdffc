"""What acts: one folder per role, and the few modules that they share."""
