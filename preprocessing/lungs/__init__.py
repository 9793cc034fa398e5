"""Both lungs in every slice (2.3): as the paper has it, and consistent along z."""
