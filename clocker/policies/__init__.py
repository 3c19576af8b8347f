"""What to do with a cloud as it is now. Pure: values in, decisions out."""
