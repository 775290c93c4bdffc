"""A reader of the plan: the DNS records it wants, as text, and compared with the authoritative servers."""
