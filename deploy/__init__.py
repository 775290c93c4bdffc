"""What decides: from `org.yml` to a plan, and everything that reads a plan."""
