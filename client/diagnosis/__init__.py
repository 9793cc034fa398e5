"""Diagnosis of one scan: verdict, infected areas, pictures."""
