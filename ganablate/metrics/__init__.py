"""What is measured of a trained generator, and with which extractor and protocol."""
