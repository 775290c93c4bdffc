"""A reader of the plan: the books for the organisation's people and for the next sysadmin."""
