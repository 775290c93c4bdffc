"""Notes of what was proved, chained by their checksums and signed: none can be changed or left out unseen."""
