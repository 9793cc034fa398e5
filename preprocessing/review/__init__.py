"""What a hospital looks at before a study: doubtful slices, contact sheets, the list of doubtful scans."""
