"""The generator and discriminator pairs a study can name; see `catalog.NETWORKS`."""
