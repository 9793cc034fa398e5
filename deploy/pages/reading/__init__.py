"""The reading room's pages: worklist, scans, readings, uploads (`pneumofed hospital read`)."""
