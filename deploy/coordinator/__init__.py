"""The coordinator's deployment: certificates, kits, processes, and the commands that work with them."""
