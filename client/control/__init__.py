"""The trainer's second socket, for the hospital's page: what it may see and decide."""
