"""Age files beside org.yml: what a secret is, who can read it, and how it is made."""
