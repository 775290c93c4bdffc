"""WordPress's own export: what somebody gets who may only log in, as at wordpress.com."""
