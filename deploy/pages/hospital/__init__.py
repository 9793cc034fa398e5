"""The hospital's page: how it stands, what left, and approvals (`pneumofed hospital view`)."""
