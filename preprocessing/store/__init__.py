"""What a hospital keeps of its prepared scans."""
