"""`org.yml` and `collective.yml`: read once, checked at the edge, then trusted."""
