"""The coordinator's deployment: certificates, kits, processes, and what its commands do with them."""
