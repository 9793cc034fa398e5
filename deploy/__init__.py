"""The parts put together: the command line, the demo, the simulation, the deployed processes."""
