"""The coordinator's pages: hospitals, studies, rounds as they come (`pneumofed coordinator view`)."""
