"""What a hospital checks before it joins: its machine, its files, its way to the coordinator."""
