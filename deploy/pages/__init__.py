"""Pages for people at a browser on the same machine: login, look, live parts; each page's own folder."""
