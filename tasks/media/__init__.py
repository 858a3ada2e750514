"""Pictures and sound as files and planes: decoding, encoding, joining, measuring."""
