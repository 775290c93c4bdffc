"""What belongs to no role: the starter org.yml, the frame of the books, the zone file."""
