"""What a release is made of: wheels with hashes, images, a bill of materials, signatures."""
