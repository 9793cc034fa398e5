"""One scan: verdict, infected areas, pictures."""
